// The sentences of a spec. Every decision is made on one or two tokens, so that reading takes linear
// time on any input and an error is found at the first token that is wrong. That statements are
// separated is left to the adapter: a forgotten separator then costs no statement after it.
parser grammar LipsParser;

options { tokenVocab = LipsLexer; }

spec: (declaration | separator)* EOF;

separator: NL | SEMI;

declaration
    : USE TEXT                              # useDeclaration
    | LET NAME ASSIGN expression            # letDeclaration
    | MODEL NAME parameters? inNorm? body   # modelDeclaration
    | BLOCK NAME parameters? body           # blockDeclaration
    ;

parameters: LPAREN (parameter (COMMA parameter)*)? RPAREN;

parameter: LAYER? NAME (ASSIGN expression)?;

inNorm: IN NAME (ARROW NAME)?;

body: LBRACE (statement | separator)* RBRACE;

statement
    : INPUT NAME (ASSIGN call | arguments?)                 # inputStatement
    | WEIGHTS selector? arguments                           # weightsStatement
    | LET NAME ASSIGN expression                            # letStatement
    | CLAIM claim                                           # claimStatement
    | RECIPE recipe                                         # recipeStatement
    | FOR NAME IN expression RANGE expression body          # forStatement
    | choice                                                # choiceStatement
    | chain                                                 # chainStatement
    | NAME (ASSIGN (chain | layer) | arguments? body?)      # layerStatement
    ;

choice: IF expression body (ELSE (body | choice))?;

chain
    : REPEAT expression (AS NAME)? body     # repeatChain
    | FROM path body                        # fromChain
    ;

layer: call body?;

call: NAME arguments?;

arguments: LPAREN (argument (COMMA argument)*)? RPAREN;

// What stands before ':' is a path; the adapter demands it, and says so better than a grammar can.
argument
    : labelWord (DOT word)* COLON expression        # wordArgument
    | expression (COLON expression)?                # plainArgument
    ;

path: NAME (DOT word | LBRACK expression RBRACK)*;

selector: OF (NAME | LBRACK NAME (COMMA NAME)* RBRACK);

claim: NAME (LPAREN path (ARROW path)? RPAREN)? (LE | LT | GE | EQ) sum inNorm?;

recipe: LBRACE (entry | separator)* RBRACE;

entry: path selector? COLON expression;

expression: IF expression THEN expression ELSE expression | disjunction;

disjunction: conjunction (OR conjunction)*;

conjunction: negation (AND negation)*;

negation: NOT negation | comparison;

comparison: sum ((LT | LE | GT | GE | EQ | NE) sum)?;

sum: product ((PLUS | MINUS) product)*;

product: factor ((STAR | SLASH | PERCENT) factor)*;

// -2 ^ 2 is -(2 ^ 2), and 2 ^ 3 ^ 2 is 2 ^ (3 ^ 2).
factor: MINUS factor | postfix (CARET factor)?;

postfix: primary (LBRACK expression (RANGE expression)? RBRACK | DOT word)*;

primary
    : NUMBER                                                    # numberPrimary
    | TEXT                                                      # textPrimary
    | (TRUE | FALSE)                                            # booleanPrimary
    | NAME arguments?                                           # namePrimary
    | LBRACK (expression (COMMA expression)*)? RBRACK           # listPrimary
    | LPAREN expression RPAREN                                  # groupPrimary
    ;

// Reserved words are free again where only a name can stand.
word: NAME | TRUE | FALSE | labelWord;

labelWord
    : USE | MODEL | BLOCK | LAYER | INPUT | FROM | WEIGHTS | OF | LET | REPEAT | AS | FOR | IN
    | IF | THEN | ELSE | CLAIM | RECIPE | AND | OR | NOT
    ;
