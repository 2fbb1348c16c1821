namespace Lips.Core

open System

/// How much a finding matters: errors stop the build, information never does.
[<RequireQualifiedAccess>]
type Severity =
    | Error
    | Warning
    | Info

/// What can be wrong with a spec. A case with its prose in `Problem.describe` and its example in
/// `Problem.examples` is all there is to a diagnostic: messages, `lips explain` and DIAGNOSTICS.md follow.
/// Texts inside a case are as the user wrote them, without quotes.
[<RequireQualifiedAccess>]
type Problem =
    // 0: syntax
    | Unexpected of found: string * expected: string list * hint: string option
    | StrayCharacter of found: string * hint: string option
    | UnterminatedText
    | TooDeep of limit: int
    | FileTooLarge of bytes: int64 * limit: int64
    | InvalidUtf8 of offset: int64
    | LiteralTooLarge of written: string * limit: string
    | Unclosed of opening: string * closing: string * found: string
    | Unopened of closing: string
    | MissingSeparator of found: string
    | UnknownEscape of escape: string
    | TooManyErrors of limit: int
    // 1: names and hyperparameters
    | UnknownLayer of name: string * nearest: string list
    | UnknownHyperparameter of layer: string * name: string * nearest: string list
    | MissingHyperparameter of layer: string * name: string * meaning: string
    | WrongValue of hyperparameter: string * expected: string * found: string
    | UnknownName of name: string * nearest: string list
    | DeclaredTwice of name: string * first: Span
    | TooManyPositional of layer: string * given: int * allowed: string list
    | RecursiveBlock of chain: string list
    | UseNotFound of path: string
    | UseCycle of chain: string list
    | NotAnInteger of what: string * found: string
    | ExpansionTooLarge of limit: int64
    | NumberTooLarge of what: string * limit: string
    | UnknownPoint of name: string * nearest: string list
    | DivisionByZero
    | UnknownNorm of name: string
    | UnknownRole of name: string * nearest: string list
    | UnknownRecipe of what: string * name: string * known: string list
    | NothingToCompile of missing: string
    | BodyMismatch of layer: string * takesBody: bool
    | IndexOutOfRange of index: string * length: int
    | UnknownOverride of path: string * nearest: string list
    | WrongCapUnit of cap: string * weight: string * allowed: string list
    // 2: shapes
    | ShapeMismatch of layer: string * reason: string * input: string
    | NotDivisible of layer: string * input: string * what: string * value: int64 * divisorName: string * divisor: int64
    | WrongGrid of layer: string * needs: string * found: string
    | ResidualChangesShape of before: string * after: string
    | ConvolutionDoesNotFit of layer: string * size: string * kernel: string
    // 3: bounds and claims
    | ClaimFails of claim: string * bound: string * largest: string * repair: string option
    | Unbounded of reason: string * repair: string option
    | ClaimNotEvaluable of claim: string * reason: string
    | CountClaimFails of claim: string * actual: string
    | NothingToSolve
    | Infeasible of claim: string * step: string
    | CapsChosen of caps: string
    // 4: emission
    | EmissionFailed of model: string * reason: string

/// One finding at one place of one file.
type Diagnostic =
    { Code: string
      Severity: Severity
      Title: string
      Message: string
      Hint: string option
      Span: Span
      Path: string }

/// The prose of a problem. Title and explanation are the same for every instance of a case.
type Description =
    { Code: string
      Severity: Severity
      Title: string
      Message: string
      Hint: string option
      Explanation: string }

module Problem =

    let private quoted (name: string) = "'" + name + "'"

    let private listed (last: string) (names: string list) =
        match List.rev names with
        | [] -> ""
        | [ one ] -> one
        | final :: rest -> String.Join(", ", List.rev rest) + " " + last + " " + final

    let private oneOf names = listed "or" names

    let private didYouMean (otherwise: string) (nearest: string list) =
        match nearest with
        | [] -> Some otherwise
        | names -> Some("Did you mean " + oneOf (List.map quoted names) + "?")

    let private entry code title message hint explanation =
        { Code = code
          Severity = Severity.Error
          Title = title
          Message = message
          Hint = hint
          Explanation = explanation }

    /// Everything there is to say about a problem: one exhaustive match, so that a case without prose does not compile.
    let describe (problem: Problem) : Description =
        match problem with
        | Problem.Unexpected(found, expected, hint) ->
            entry
                "LIPS0001"
                "unexpected text"
                ("found " + found + (if List.isEmpty expected then ", which has no meaning here" else ", expected " + oneOf expected))
                hint
                "The text at this place does not continue what was begun. The message names what was found and everything that could have stood there. A statement ends at a newline or ';'; newlines inside ( ) and [ ] do not count."
        | Problem.StrayCharacter(found, hint) ->
            entry
                "LIPS0002"
                "stray character"
                ("the character " + found + " has no meaning in a spec")
                hint
                "Outside of texts and comments a spec is made of names, numbers, the brackets ( ) [ ] { } and the operators + - * / % ^ < <= > >= == != = : , ; . .. ->. Comments begin with //."
        | Problem.UnterminatedText ->
            entry
                "LIPS0003"
                "text without end"
                "the text that begins here has no closing \" on its line"
                (Some "Write the closing \". Inside a text, \\\" is a quotation mark and \\\\ a backslash.")
                "A text begins and ends with \" on one line."
        | Problem.TooDeep limit ->
            entry
                "LIPS0004"
                "nested too deeply"
                (sprintf "brackets and operators are nested more than %d levels deep here" limit)
                (Some "Name parts of the expression with 'let', or move statements into a block.")
                "Brackets within brackets, and operators of one expression, may together be at most 256 levels deep: every operator that is applied to the result of another counts as one level. No architecture needs more, and the limit keeps every tool that reads a spec safe from overflowing its stack."
        | Problem.FileTooLarge(bytes, limit) ->
            entry
                "LIPS0005"
                "file too large"
                (sprintf "the file has %d bytes, at most %d are read" bytes limit)
                (Some "A spec is a page of text: is this the right file? Long lists can be moved to files that are named in 'use'.")
                "A spec file is at most 256 KiB long."
        | Problem.InvalidUtf8 offset ->
            entry
                "LIPS0006"
                "not UTF-8"
                (sprintf "the byte at offset %d is not part of valid UTF-8 text" offset)
                (Some "Save the file as UTF-8.")
                "Specs are UTF-8 text, with or without a byte order mark."
        | Problem.LiteralTooLarge(written, limit) ->
            entry
                "LIPS0007"
                "number too large to write"
                ("the number " + written + " needs more than " + limit)
                (Some "Numbers are kept exactly; write a smaller exponent.")
                "Numbers are exact until a rule rounds them outward. A decimal exponent is at most 4,096 in size, and numerator and denominator have at most 65,536 bits."
        | Problem.Unclosed(opening, closing, found) ->
            entry
                "LIPS0008"
                "bracket never closed"
                (quoted opening + " is never closed: found " + found + " before its " + quoted closing)
                (Some("Write the missing " + quoted closing + "."))
                "Every ( [ { needs its ) ] }. Braces cannot stand inside parentheses or square brackets."
        | Problem.Unopened closing ->
            entry
                "LIPS0009"
                "bracket never opened"
                (quoted closing + " closes nothing")
                (Some "Delete it, or write the bracket that it should close.")
                "Every ) ] } needs its ( [ {."
        | Problem.MissingSeparator found ->
            entry
                "LIPS0010"
                "two statements on one line"
                ("found " + found + " where the statement before it should have ended")
                (Some "End a statement with a newline or ';'.")
                "Statements are separated by newlines or ';'. Layers apply in the order written: 'linear(10); relu' are two of them."
        | Problem.UnknownEscape escape ->
            entry
                "LIPS0011"
                "unknown escape"
                (quoted escape + " has no meaning in a text")
                (Some "Write \\\\ for a backslash; \\\", \\n and \\t are the other escapes.")
                "In a text, \\\" is a quotation mark, \\\\ a backslash, \\n a newline and \\t a tab. Paths may use / on every system."
        | Problem.TooManyErrors limit ->
            entry
                "LIPS0012"
                "too many errors"
                (sprintf "reading stopped after %d errors" limit)
                (Some "Repair the first ones; many of the others may follow from them.")
                "After 100 syntax errors a file is read no further."
        | Problem.UnknownLayer(name, nearest) ->
            entry
                "LIPS1001"
                "unknown layer"
                (quoted name + " is neither a layer of the catalogue nor a block of this spec")
                (didYouMean "'lips layers' lists the catalogue." nearest)
                "A step of a chain is a layer kind of the catalogue, a block declared in the spec or in a file it uses, or a parameter marked 'layer'."
        | Problem.UnknownHyperparameter(layer, name, nearest) ->
            entry
                "LIPS1002"
                "unknown hyperparameter"
                (quoted layer + " has no hyperparameter " + quoted name)
                (didYouMean ("'lips layers " + layer + "' lists its hyperparameters.") nearest)
                "The argument's name is no hyperparameter of this layer, choice or block, and no path into one of its parts."
        | Problem.MissingHyperparameter(layer, name, meaning) ->
            entry
                "LIPS1003"
                "missing hyperparameter"
                (quoted layer + " needs " + quoted name + (if meaning = "" then "" else ", " + meaning))
                (Some("Write " + quoted (layer + "(" + name + ": ...)") + "."))
                "This hyperparameter has no default."
        | Problem.WrongValue(hyperparameter, expected, found) ->
            entry
                "LIPS1004"
                "wrong value"
                (quoted hyperparameter + " must be " + expected + ", found " + found)
                None
                "A hyperparameter is a number, a text, true or false, a list, a choice with arguments, or a layer. The message says which this one takes and what was given."
        | Problem.UnknownName(name, nearest) ->
            entry
                "LIPS1005"
                "unknown name"
                (quoted name + " is not declared here")
                (didYouMean "Names come from parameters, 'let', 'for' and 'repeat ... as', and from the current value: width, length, height, head_width." nearest)
                "An expression may use parameters, names declared before it in the same or an enclosing scope, and the sizes of the current value."
        | Problem.DeclaredTwice(name, first) ->
            entry
                "LIPS1006"
                "name declared twice"
                (quoted name + (if first.Line > 0 then sprintf " is already declared on line %d" first.Line else " is already declared"))
                (Some "Give one of the two another name.")
                "Within one scope a name means one thing; so do blocks and models across the files that a spec uses, and the command line's parameters and recipe entries."
        | Problem.TooManyPositional(layer, given, allowed) ->
            entry
                "LIPS1007"
                "too many arguments without a name"
                (sprintf
                    "'%s' takes %s without a name, found %d"
                    layer
                    (match allowed with
                     | [] -> "no argument"
                     | names -> "at most " + listed "and" (List.map quoted names))
                    given)
                (Some("Name the others, as in 'name: value'; 'lips layers " + layer + "' lists the names."))
                "At most three leading hyperparameters may be given by position; the rest are written 'name: value', so that a spec can be read without the manual."
        | Problem.RecursiveBlock chain ->
            entry
                "LIPS1008"
                "block contains itself"
                ("a block cannot contain itself: " + String.Join(" -> ", chain))
                (Some "Use 'repeat' to stack a block.")
                "Blocks are expanded at compile time, so a block that reaches itself would have no end."
        | Problem.UseNotFound path ->
            entry
                "LIPS1009"
                "file not found"
                ("there is no file " + quoted path)
                (Some "The path in 'use' is relative to the file it stands in.")
                "'use' reads the blocks and names of another spec file."
        | Problem.UseCycle chain ->
            entry
                "LIPS1010"
                "files use each other"
                ("the files use each other in a circle: " + String.Join(" -> ", chain))
                (Some "Move what both need into a third file.")
                "'use' must not lead back to the file it began in."
        | Problem.NotAnInteger(what, found) ->
            entry
                "LIPS1011"
                "not a whole number"
                (what + " must be an exact whole number, found " + found)
                (Some "Numbers are exact, so nothing is rounded silently: use floor(...) or ceil(...) to round on purpose.")
                "Counts, sizes and indices are exact integers. Division keeps fractions: 7 / 2 is 3.5."
        | Problem.ExpansionTooLarge limit ->
            entry
                "LIPS1012"
                "expansion too large"
                (sprintf "the model expands to more than %d steps" limit)
                (Some "Is a count of 'repeat' or 'for' too large by mistake?")
                "Blocks, 'for' and 'repeat' are expanded at compile time, to at most 10^6 steps."
        | Problem.NumberTooLarge(what, limit) ->
            entry
                "LIPS1013"
                "number too large"
                (what + " exceeds the limit of " + limit)
                (if [ "exponent"; "power"; "number" ] |> List.exists (fun (word: string) -> what.EndsWith word || what.EndsWith "'^'") then
                     Some "Numbers are kept exactly, so powers grow fast; use a smaller exponent."
                 else
                     Some "Write a smaller number: nothing of this size fits any machine.")
                "Exponents are at most 4,096 in size, numbers at most 65,536 bits long."
        | Problem.UnknownPoint(name, nearest) ->
            entry
                "LIPS1014"
                "unknown input or point"
                ("there is no input or named point " + quoted name)
                (didYouMean "A point is named by 'name = layer(...)', an input by 'input name = ...'." nearest)
                "Claims, 'from', memories and tied weights refer to inputs and to named points of the same model: 'blocks[2]' is the third repetition, 'memory.words' a name inside."
        | Problem.DivisionByZero ->
            entry "LIPS1015" "division by zero" "the divisor is zero" None "'/' and '%' need a divisor other than zero."
        | Problem.UnknownNorm name ->
            entry
                "LIPS1016"
                "unknown norm"
                (quoted name + " is no norm")
                (Some "The norms are 'rms', 'token' and 'l2'.")
                "rms: per token |x|/sqrt(width), the maximum over tokens. token: per token |x|, the maximum over tokens. l2: the whole tensor."
        | Problem.UnknownRole(name, nearest) ->
            entry
                "LIPS1017"
                "unknown role"
                (quoted name + " is no role of a weight")
                (didYouMean "The roles are matrix, kernel, embedding, gain, bias, table and alpha." nearest)
                "'weights of ...' and recipe entries with 'of' select weights by their role."
        | Problem.UnknownRecipe(what, name, known) ->
            entry
                "LIPS1018"
                "unknown recipe entry or value"
                (quoted name + " is no " + what)
                (match known with
                 | [] -> None
                 | names -> Some("Known are " + listed "and" names + "."))
                "A recipe says how a model is trained: data, objective, optimizer, schedule, steps and so on. It never affects the bound at caps."
        | Problem.NothingToCompile missing ->
            entry
                "LIPS1019"
                "no input or no model"
                ("there is no " + missing)
                (Some "A model begins with an input, such as 'input x = features(100, 80)', followed by at least one layer.")
                "A spec that is compiled declares at least one model; a model has at least one input."
        | Problem.BodyMismatch(layer, takesBody) ->
            entry
                "LIPS1020"
                "body missing or not allowed"
                (quoted layer + (if takesBody then " needs a body in { }" else " takes no body"))
                (if takesBody then Some("Write " + quoted (layer + " { ... }") + ".") else Some "Delete the braces and what is in them, or put the layers on lines of their own.")
                "Some layers, such as residual, wrap the layers in their braces; others stand alone."
        | Problem.IndexOutOfRange(index, length) ->
            entry
                "LIPS1021"
                "index out of range"
                (sprintf "there is no item %s in a list of %d" index length)
                (if length = 0 then None else Some(sprintf "Items are counted from 0 to %d." (length - 1)))
                "a[i] counts from 0; a slice a[i..j] includes item i and excludes item j."
        | Problem.UnknownOverride(path, nearest) ->
            entry
                "LIPS1022"
                "unknown override"
                ("there is no parameter or recipe entry " + quoted path)
                (didYouMean "The command line sets the model's parameters and recipe entries by their paths." nearest)
                "As in 'lips train spec.lips layers=2 optimizer.lr=0.05 steps=200'."
        | Problem.WrongCapUnit(cap, weight, allowed) ->
            entry
                "LIPS1023"
                "wrong cap for this weight"
                (quoted cap + " does not apply to " + quoted weight)
                (Some("It takes " + oneOf (List.map quoted allowed) + "."))
                "spectral_cap and rms_cap bound matrices, row_cap and row_rms_cap embeddings, l2_cap biases, max_cap gains, alphas and tables."
        | Problem.ShapeMismatch(layer, reason, input) ->
            entry
                "LIPS2001"
                "layer does not fit its input"
                (quoted layer + " does not fit its input of " + input + ": " + reason)
                None
                "A value is tokens on a grid: a width, and a length or a height and a width of the grid. Some layers need more of it than others; the message says what."
        | Problem.NotDivisible(layer, input, what, value, name, divisor) ->
            let below = seq { min divisor value .. -1L .. 1L } |> Seq.truncate 100000 |> Seq.tryFind (fun d -> value % d = 0L)
            let above = seq { divisor .. value } |> Seq.truncate 100000 |> Seq.tryFind (fun d -> value % d = 0L)

            entry
                "LIPS2002"
                "not divisible"
                (quoted layer + " does not fit its input of " + input + ": " + (if name.Contains " " then name else quoted name) + " must divide the " + what + ", and " + string value + " is not divisible by " + string divisor)
                // a number that the layer itself brings, named in words, cannot be chosen
                (match List.choose id [ below; above ] with
                 | _ when name.Contains " " -> None
                 | [] -> None
                 | nearest -> Some("The nearest that divide " + string value + ": " + String.concat ", " (nearest |> List.map string) + "."))
                "Heads share the width evenly, groups the channels, windows and patches the grid."
        | Problem.WrongGrid(layer, needs, found) ->
            entry
                "LIPS2003"
                "wrong kind of value"
                (quoted layer + " needs " + needs + ", found " + found)
                None
                "Some layers act on a map (height × width), some on a sequence (length), some on a single vector."
        | Problem.ResidualChangesShape(before, after) ->
            entry
                "LIPS2004"
                "residual changes the shape"
                ("the body of a residual must keep the shape: " + before + " went in, " + after + " comes out")
                (Some "Let the last layer of the body return to the width it began with, and use stride 1 with padding.")
                "A residual adds its body's output to its input, so both have one shape."
        | Problem.ConvolutionDoesNotFit(layer, size, kernel) ->
            entry
                "LIPS2005"
                "convolution does not fit"
                (quoted layer + ": a kernel of " + kernel + " does not fit into " + size)
                (Some "Use a smaller kernel, dilation or stride, or more padding.")
                "The padded input must be at least as large as the dilated kernel."
        | Problem.ClaimFails(claim, bound, largest, repair) ->
            entry
                "LIPS3001"
                "claim does not hold"
                ("'" + claim + "' is not proven: the bound is " + bound + (if largest = "" then "" else "; the largest step is " + largest))
                repair
                "A claim is proven when the model is compiled, or the build fails. The bound is what the rules prove for any weights at their caps; the true constant may be smaller."
        | Problem.Unbounded(reason, repair) ->
            { entry
                  "LIPS3002"
                  "the bound is infinite"
                  ("the bound at caps is infinite: " + reason)
                  repair
                  "A layer without a finite Lipschitz constant where it stands is no error: dot-product attention on inputs without a radius, or a weight without a cap, such as a matrix under weight decay. The message says which, and what would make the bound finite. It is an error only where a claim depends on it." with
                Severity = Severity.Info }
        | Problem.ClaimNotEvaluable(claim, reason) ->
            entry
                "LIPS3003"
                "claim cannot be evaluated"
                ("'" + claim + "' cannot be evaluated: " + reason)
                None
                "A claim 'lipschitz(a -> b)' needs a point b that comes after the point a on one chain, both outside of a folded 'repeat' or with an index such as blocks[2]."
        | Problem.CountClaimFails(claim, actual) ->
            entry
                "LIPS3004"
                "claimed count is wrong"
                ("'" + claim + "' does not hold: the count is " + actual)
                None
                "Parameters and multiply-accumulates are counted exactly from the shapes."
        | Problem.NothingToSolve ->
            entry
                "LIPS3005"
                "no claim to solve for"
                "a cap is 'auto', but no claim about a Lipschitz constant or a radius says how large it may be"
                (Some "Write the claim, as in 'claim lipschitz(x -> logits) <= 10', or give the cap a number.")
                "'rms_cap(auto)' asks for the largest caps with which every claim still holds."
        | Problem.Infeasible(claim, step) ->
            entry
                "LIPS3006"
                "no caps satisfy the claim"
                (quoted claim + " cannot be met by any choice of the caps left open: " + step)
                (Some "Allow a larger constant, cap the weights named, or scale the step down.")
                "The solver tried caps down to a millionth. What remains is due to steps whose constants do not depend on the caps left open."
        | Problem.CapsChosen caps ->
            { entry
                  "LIPS3007"
                  "caps chosen"
                  ("the largest caps that satisfy the claims: " + caps)
                  None
                  "The caps left open by 'auto' were solved for: five digits, rounded down, and checked by deriving the bound again." with
                Severity = Severity.Info }
        | Problem.EmissionFailed(model, reason) ->
            entry
                "LIPS4001"
                "emission failed"
                ("no C# can be written for " + quoted model + ": " + reason)
                None
                "The model is understood, but cannot be expressed as a TorchSharp module."

    let code problem = (describe problem).Code
    let title problem = (describe problem).Title
    let message problem = (describe problem).Message
    let hint problem = (describe problem).Hint
    let explanation problem = (describe problem).Explanation
