using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Lips.Runtime.Tests.Surface;

/// <summary>
/// The public and protected members of an assembly as sorted lines, one C# declaration each:
/// <c>Namespace.Outer.Type | declaration</c>. A type's own line starts with its kind
/// (<c>public class</c>, <c>public enum</c> ...). Reference nullability is left out.
/// </summary>
public static class PublicSurface
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static IReadOnlyList<string> Lines(Assembly assembly)
    {
        var lines = new List<string>();
        foreach (Type type in assembly.GetTypes().Where(IsVisible))
        {
            string path = Path(type);
            lines.Add(path + " | " + Declaration(type));
            if (!typeof(Delegate).IsAssignableFrom(type))
                lines.AddRange(Members(type).Select(member => path + " | " + member));
        }
        return lines.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
    }

    private static bool IsVisible(Type type) =>
        !type.IsDefined(typeof(CompilerGeneratedAttribute), false)
        && (type.IsNested ? (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && IsVisible(type.DeclaringType!) : type.IsPublic);

    private static string Path(Type type) =>
        type.IsNested ? Path(type.DeclaringType!) + "." + OwnName(type) : (type.Namespace is { } space ? space + "." : "") + OwnName(type);

    private static string OwnName(Type type)
    {
        string name = type.Name.Split('`')[0];
        Type[] own = OwnParameters(type);
        return own.Length == 0 ? name : name + "<" + string.Join(", ", own.Select(p => p.Name)) + ">";
    }

    private static Type[] OwnParameters(Type type)
    {
        if (!type.IsGenericType) return [];
        int outer = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        return type.GetGenericArguments()[outer..];
    }

    private static string Declaration(Type type)
    {
        string access = type.IsNestedFamily || type.IsNestedFamORAssem ? "protected " : "public ";
        if (type.IsEnum)
        {
            IEnumerable<string> values = Enum.GetNames(type).Select(n =>
                n + " = " + Convert.ToInt64(Enum.Parse(type, n), CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture));
            return access + "enum " + OwnName(type) + " : " + Name(Enum.GetUnderlyingType(type)) + " { " + string.Join(", ", values) + " }";
        }
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            MethodInfo invoke = type.GetMethod("Invoke")!;
            return access + "delegate " + Name(invoke.ReturnType) + " " + OwnName(type) + "(" + Parameters(invoke) + ")" + Constraints(OwnParameters(type));
        }
        string kind = type.IsInterface ? "interface "
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute), false) ? "readonly " : "") + (type.IsByRefLike ? "ref " : "") + "struct "
            : (type.IsAbstract && type.IsSealed ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") + "class ";
        var bases = new List<string>();
        if (type.IsClass && type.BaseType is { } parent && parent != typeof(object)) bases.Add(Name(parent));
        IEnumerable<Type> inherited = (type.BaseType?.GetInterfaces() ?? []).Concat(type.GetInterfaces().SelectMany(i => i.GetInterfaces()));
        bases.AddRange(type.GetInterfaces().Except(inherited).Where(i => i.IsVisible).Select(Name).Order(StringComparer.Ordinal));
        return access + kind + OwnName(type) + (bases.Count == 0 ? "" : " : " + string.Join(", ", bases)) + Constraints(OwnParameters(type));
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum) yield break;
        foreach (ConstructorInfo constructor in type.GetConstructors(Declared).Where(c => IsOpen(c) && !c.IsStatic))
            yield return Access(constructor) + type.Name.Split('`')[0] + "(" + Parameters(constructor) + ")";
        foreach (FieldInfo field in type.GetFields(Declared).Where(f => f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly))
        {
            string access = field.IsPublic ? "public " : "protected ";
            string how = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
            yield return access + how + Name(field.FieldType, field) + " " + Escape(field.Name) + (field.IsLiteral ? " = " + Literal(field.GetRawConstantValue(), field.FieldType) : "");
        }
        foreach (PropertyInfo property in type.GetProperties(Declared))
        {
            MethodInfo?[] open = [property.GetMethod is { } g && IsOpen(g) ? g : null, property.SetMethod is { } s && IsOpen(s) ? s : null];
            MethodInfo? first = open[0] ?? open[1];
            if (first is null) continue;
            ParameterInfo[] index = property.GetIndexParameters();
            string name = index.Length == 0 ? Escape(property.Name) : "this[" + string.Join(", ", index.Select(Parameter)) + "]";
            yield return Access(first) + Name(property.PropertyType, property) + " " + name + " {"
                + (open[0] is { } getter ? " get;" : "")
                + (open[1] is { } setter ? (Access(setter) != Access(first) ? " protected set;" : " set;") : "") + " }";
        }
        foreach (MethodInfo method in type.GetMethods(Declared).Where(m => IsOpen(m) && (!m.IsSpecialName || m.Name.StartsWith("op_", StringComparison.Ordinal))))
        {
            if (method.Name is "Finalize" || method.Name.Contains('<', StringComparison.Ordinal)) continue;
            if (Overrides(method)) continue;
            yield return Access(method) + Signature(method);
        }
    }

    /// <summary>Overrides say nothing new: the base's line stands for them.</summary>
    private static bool Overrides(MethodInfo method) => method.IsVirtual && method.GetBaseDefinition() != method;

    private static string Signature(MethodInfo method)
    {
        string parameters = "(" + Parameters(method) + ")";
        if (method.Name is "op_Implicit" or "op_Explicit")
            return (method.Name == "op_Implicit" ? "implicit" : "explicit") + " operator " + Name(method.ReturnType) + parameters;
        if (Operators.TryGetValue(method.Name, out string? symbol))
            return Name(method.ReturnType) + " operator " + symbol + parameters;
        Type[] generic = method.IsGenericMethod ? method.GetGenericArguments() : [];
        return Name(method.ReturnType, method.ReturnParameter) + " " + Escape(method.Name)
            + (generic.Length == 0 ? "" : "<" + string.Join(", ", generic.Select(p => p.Name)) + ">") + parameters + Constraints(generic);
    }

    private static readonly Dictionary<string, string> Operators = new(StringComparer.Ordinal)
    {
        ["op_Addition"] = "+", ["op_Subtraction"] = "-", ["op_Multiply"] = "*", ["op_Division"] = "/", ["op_Modulus"] = "%",
        ["op_BitwiseAnd"] = "&", ["op_BitwiseOr"] = "|", ["op_ExclusiveOr"] = "^", ["op_UnaryNegation"] = "-", ["op_OnesComplement"] = "~",
        ["op_Equality"] = "==", ["op_Inequality"] = "!=", ["op_LessThan"] = "<", ["op_GreaterThan"] = ">",
        ["op_LessThanOrEqual"] = "<=", ["op_GreaterThanOrEqual"] = ">=", ["op_LogicalNot"] = "!",
        ["op_LeftShift"] = "<<", ["op_RightShift"] = ">>",
    };

    private static bool IsOpen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) =>
        (method.DeclaringType!.IsInterface ? "" : method.IsPublic ? "public " : "protected ")
        + (method.IsStatic ? "static " : "")
        + (method.DeclaringType.IsInterface ? "" : method.IsAbstract ? "abstract " : method.IsVirtual && !method.IsFinal ? (method is MethodInfo m && Overrides(m) ? "override " : "virtual ") : "");

    private static string Parameters(MethodBase method)
    {
        string first = method.IsDefined(typeof(ExtensionAttribute), false) ? "this " : "";
        return first + string.Join(", ", method.GetParameters().Select(Parameter));
    }

    private static string Parameter(ParameterInfo parameter)
    {
        Type type = parameter.ParameterType;
        string how = parameter.IsDefined(typeof(ParamArrayAttribute), false) || parameter.IsDefined(typeof(ParamCollectionAttribute), false) ? "params "
            : type.IsByRef ? (parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ") : "";
        return how + Name(type.IsByRef ? type.GetElementType()! : type, parameter) + " " + Escape(parameter.Name!)
            + (parameter.HasDefaultValue ? " = " + Literal(parameter.RawDefaultValue, type) : "");
    }

    private static string Literal(object? value, Type type)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        return value switch
        {
            null => plain.IsValueType || type.IsGenericParameter ? "default" : "null",
            bool b => b ? "true" : "false",
            string s => "\"" + s.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"",
            char c => "'" + c + "'",
            float f => float.IsInfinity(f) || float.IsNaN(f) ? "float." + NonFinite(f) : f.ToString("R", CultureInfo.InvariantCulture) + "F",
            double d => double.IsInfinity(d) || double.IsNaN(d) ? "double." + NonFinite(d) : d.ToString("R", CultureInfo.InvariantCulture),
            _ when plain.IsEnum => "(" + Name(plain) + ")" + Convert.ToInt64(value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
            IFormattable n => n.ToString(null, CultureInfo.InvariantCulture),
            _ => "default",
        };
    }

    private static string NonFinite(double d) => double.IsNaN(d) ? "NaN" : d > 0 ? "PositiveInfinity" : "NegativeInfinity";

    private static string Constraints(Type[] parameters)
    {
        var text = new StringBuilder();
        foreach (Type parameter in parameters)
        {
            var parts = new List<string>();
            GenericParameterAttributes flags = parameter.GenericParameterAttributes;
            bool isStruct = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
            bool unmanaged = isStruct && parameter.CustomAttributes.Any(a => a.AttributeType.Name == "IsUnmanagedAttribute");
            if (unmanaged) parts.Add("unmanaged");
            else if (isStruct) parts.Add("struct");
            else if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint)) parts.Add("class");
            parts.AddRange(parameter.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(Name));
            if (!isStruct && flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint)) parts.Add("new()");
            if (parts.Count > 0) text.Append(" where ").Append(parameter.Name).Append(" : ").Append(string.Join(", ", parts));
        }
        return text.ToString();
    }

    private static string Name(Type type) => Name(type, new Queue<string?>());

    /// <summary>With the names of tuple elements, which the compiler keeps in an attribute: outer tuples before inner ones.</summary>
    private static string Name(Type type, ICustomAttributeProvider from)
    {
        object? names = from.GetCustomAttributes(typeof(TupleElementNamesAttribute), false).FirstOrDefault();
        return Name(type, new Queue<string?>(((TupleElementNamesAttribute?)names)?.TransformNames ?? []));
    }

    private static string Name(Type type, Queue<string?> tupleNames)
    {
        if (type.IsGenericParameter) return type.Name;
        if (type.IsPointer) return Name(type.GetElementType()!, tupleNames) + "*";
        if (type.IsArray) return Name(type.GetElementType()!, tupleNames) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
        if (Nullable.GetUnderlyingType(type) is { } inner) return Name(inner, tupleNames) + "?";
        if (Keywords.TryGetValue(type, out string? keyword)) return keyword;
        Type[] arguments = type.GetGenericArguments();
        if (type.IsGenericType && type.Namespace == "System" && type.Name.StartsWith("ValueTuple`", StringComparison.Ordinal) && arguments.Length > 1)
        {
            string?[] own = arguments.Select(_ => tupleNames.TryDequeue(out string? name) ? name : null).ToArray();
            return "(" + string.Join(", ", arguments.Select((a, i) => Name(a, tupleNames) + (own[i] is { } name ? " " + Escape(name) : ""))) + ")";
        }
        return Qualified(type, arguments, tupleNames);
    }

    private static string Qualified(Type type, Type[] arguments, Queue<string?> tupleNames)
    {
        int outer = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        string prefix = type.IsNested ? Qualified(type.DeclaringType!, arguments[..outer], tupleNames) : type.Namespace ?? "";
        string own = type.Name.Split('`')[0];
        if (arguments.Length > outer) own += "<" + string.Join(", ", arguments[outer..].Select(a => Name(a, tupleNames))) + ">";
        return prefix.Length == 0 ? own : prefix + "." + own;
    }

    private static string Escape(string name) => Reserved.Contains(name) ? "@" + name : name;

    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "base", "bool", "byte", "case", "char", "checked", "const", "decimal", "default", "double", "else", "enum", "event", "finally", "fixed",
        "float", "for", "if", "in", "int", "is", "lock", "long", "new", "null", "object", "out", "params", "ref", "return", "short",
        "sizeof", "string", "switch", "this", "true", "false", "try", "typeof", "uint", "ulong", "using", "while",
    };

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short",
        [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong",
        [typeof(float)] = "float", [typeof(double)] = "double", [typeof(decimal)] = "decimal", [typeof(char)] = "char",
        [typeof(string)] = "string", [typeof(object)] = "object",
    };
}
