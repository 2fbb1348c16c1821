// The words of a spec. No layer name is a keyword.
lexer grammar LipsLexer;

// Newlines end statements, except inside ( ) and [ ]. Braces cannot stand inside those, so a brace
// also ends the damage that a forgotten bracket does.
@members {
private int brackets;

public override void Reset()
{
    brackets = 0;
    base.Reset();
}
}

USE: 'use'; MODEL: 'model'; BLOCK: 'block'; LAYER: 'layer';
INPUT: 'input'; FROM: 'from'; WEIGHTS: 'weights'; OF: 'of'; LET: 'let';
REPEAT: 'repeat'; AS: 'as'; FOR: 'for'; IN: 'in';
IF: 'if'; THEN: 'then'; ELSE: 'else';
CLAIM: 'claim'; RECIPE: 'recipe';
AND: 'and'; OR: 'or'; NOT: 'not'; TRUE: 'true'; FALSE: 'false';

NAME: [\p{L}_] [\p{L}\p{Nd}_]*;
NUMBER: [0-9]+ ('.' [0-9]+)? ([eE] [+-]? [0-9]+)? [kMG]?;
TEXT: '"' (~["\\\r\n] | '\\' ~[\r\n])* '"';

RANGE: '..'; ARROW: '->';
LE: '<='; GE: '>='; EQ: '=='; NE: '!='; LT: '<'; GT: '>';
ASSIGN: '='; COLON: ':'; COMMA: ','; SEMI: ';'; DOT: '.';
PLUS: '+'; MINUS: '-'; STAR: '*'; SLASH: '/'; PERCENT: '%'; CARET: '^';
LPAREN: '(' { brackets++; };
RPAREN: ')' { if (brackets > 0) brackets--; };
LBRACK: '[' { brackets++; };
RBRACK: ']' { if (brackets > 0) brackets--; };
LBRACE: '{' { brackets = 0; };
RBRACE: '}' { brackets = 0; };

NL: '\r'? '\n' { if (brackets > 0) Channel = Hidden; };
COMMENT: '//' ~[\r\n]* -> channel(HIDDEN);
WS: [ \t\uFEFF]+ -> channel(HIDDEN);

// Never an error of the lexer: these become diagnostics.
OPEN_TEXT: '"' (~["\\\r\n] | '\\' ~[\r\n])* '\\'?;
STRAY: . -> channel(HIDDEN);
