using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Modules, their functions and initial values.</summary>
    public static partial class nn
    {
        /// <summary>
        /// A node of a model: named parameters, buffers and submodules. Register each under the name of the field that
        /// holds it; what is in fields alone is found by reflection when the module itself is registered.
        /// </summary>
        public partial class Module : IDisposable
        {
            private readonly string name;
            private readonly Table<Parameter> parameterTable = new();
            private readonly Table<(Tensor Buffer, bool Persistent)> bufferTable = new();
            private readonly Table<Module> moduleTable = new();
            private bool componentsRegistered;

            protected Module(string name) => this.name = name;

            public virtual bool training { get; private set; } = true;

            public virtual string GetName() => name;

            // ---- registration --------------------------------------------------------------------------------------

            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null)
                {
                    moduleTable.Remove(name);
                    return;
                }
                CheckName(name, "module");
                submodule.RegisterComponents();
                if (!moduleTable.TryAdd(name, submodule)) throw new InvalidOperationException($"Sub-module {name} is already registered.");
            }

            public void add_module(string name, Module module) => register_module(name, module);

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid) throw new ArgumentNullException(nameof(param), $"parameter {name} is null or was disposed");
                CheckName(name, "parameter");
                if (!parameterTable.TryAdd(name, param)) throw new InvalidOperationException($"Parameter {name} is already registered.");
            }

            /// <param name="name">Key in the state dictionary.</param>
            /// <param name="tensor">The buffer.</param>
            /// <param name="persistent">Not persistent: in no state dictionary, and not moved by <c>to</c>.</param>
            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid) throw new ArgumentNullException(nameof(tensor), $"buffer {name} is null or was disposed");
                CheckName(name, "buffer");
                if (!bufferTable.TryAdd(name, (tensor, persistent))) throw new InvalidOperationException($"Tensor {name} is already registered.");
            }

            protected void ConditionallyRegisterParameter(string name, Parameter? value)
            {
                if (value is null) parameterTable.Remove(name);
                else parameterTable.Set(name, value);
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor? value, bool persistent = true)
            {
                if (value is null) bufferTable.Remove(name);
                else bufferTable.Set(name, (value, persistent));
            }

            /// <summary>Registers what the fields hold and is not registered yet: modules, parameters, and any other tensor as a buffer.</summary>
            protected virtual void RegisterComponents()
            {
                if (componentsRegistered) return;
                foreach (FieldInfo field in Fields())
                {
                    string key = field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;
                    if (parameterTable.Contains(key) || bufferTable.Contains(key) || moduleTable.Contains(key)) continue;
                    switch (field.GetValue(this))
                    {
                        case Module module: register_module(key, module); break;
                        case Parameter parameter: register_parameter(key, parameter); break;
                        case Tensor tensor: register_buffer(key, tensor); break;
                    }
                }
                componentsRegistered = true;
            }

            private IEnumerable<FieldInfo> Fields()
            {
                for (Type? type = GetType(); type is not null && type != typeof(Module); type = type.BaseType)
                {
                    if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(HookableModule<,>)) continue;
                    const BindingFlags own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly;
                    foreach (FieldInfo field in type.GetFields(own))
                        if (!field.IsDefined(typeof(CompilerGeneratedAttribute), false)) yield return field;
                }
            }

            private static void CheckName(string name, string what)
            {
                if (string.IsNullOrEmpty(name)) throw new ArgumentException($"{what} name can't be empty string \"\"");
                if (name.Contains('.', StringComparison.Ordinal)) throw new ArgumentException($"{what} name can't contain \".\", got: {name}");
            }

            // ---- enumeration ---------------------------------------------------------------------------------------

            /// <summary>Each parameter once, under its dotted path; a shared one under the first.</summary>
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
                foreach ((string key, Parameter parameter) in parameterTable)
                    if (seen.Add(parameter)) yield return (key, parameter);
                if (!recurse) yield break;
                foreach ((string child, Module module) in moduleTable)
                    foreach ((string key, Parameter parameter) in module.named_parameters(true))
                        if (seen.Add(parameter)) yield return (child + "." + key, parameter);
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            /// <summary>Persistent buffers; TorchSharp lists no others, whatever the flag says.</summary>
            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
                foreach ((string key, (Tensor buffer, bool persistent)) in bufferTable)
                    if (persistent && seen.Add(buffer)) yield return (key, buffer);
                if (!recurse) yield break;
                foreach ((string child, Module module) in moduleTable)
                    foreach ((string key, Tensor buffer) in module.named_buffers(true))
                        if (seen.Add(buffer)) yield return (child + "." + key, buffer);
            }

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(b => b.buffer);

            public virtual IEnumerable<(string name, Module module)> named_children() => moduleTable;

            public virtual IEnumerable<Module> children() => moduleTable.Select(m => m.Value);

            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach ((string child, Module module) in moduleTable)
                {
                    yield return (child, module);
                    foreach ((string key, Module below) in module.named_modules()) yield return (child + "." + key, below);
                }
            }

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module);

            public virtual bool has_parameter(string target) => named_parameters().Any(p => p.name == target);

            public virtual bool has_buffer(string target) => named_buffers().Any(b => b.name == target);

            public virtual Parameter? get_parameter(string target) => named_parameters().FirstOrDefault(p => p.name == target).parameter;

            public virtual Tensor? get_buffer(string target) => named_buffers().FirstOrDefault(b => b.name == target).buffer;

            // ---- state ---------------------------------------------------------------------------------------------

            /// <summary>The live tensors by name, no copies.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                string start = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach ((string key, Parameter parameter) in named_parameters(false)) destination.TryAdd(start + key, parameter);
                foreach ((string key, Tensor buffer) in named_buffers(false)) destination.TryAdd(start + key, buffer);
                foreach ((string child, Module module) in moduleTable) module.state_dict(destination, start + child);
                return destination;
            }

            /// <summary>Copies values in, by name.</summary>
            /// <exception cref="InvalidOperationException"><paramref name="strict"/> and the names differ.</exception>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                skip ??= [];
                Dictionary<string, Tensor> own = state_dict();
                List<string> unexpected = source.Keys.Where(k => !skip.Contains(k) && !own.ContainsKey(k)).ToList();
                List<string> missing = own.Keys.Where(k => !skip.Contains(k) && !source.ContainsKey(k)).ToList();
                if (strict && missing.Count + unexpected.Count > 0)
                    throw new InvalidOperationException($"the state dictionary does not fit: missing [{string.Join(", ", missing)}], unexpected [{string.Join(", ", unexpected)}]");
                using IDisposable mode = no_grad();
                foreach ((string key, Tensor value) in source)
                    if (!skip.Contains(key) && own.TryGetValue(key, out Tensor? target)) target.copy_(value);
                return (missing, unexpected);
            }

            public virtual void train(bool train = true)
            {
                training = train;
                foreach ((_, Module module) in moduleTable) module.train(train);
            }

            public virtual void eval() => train(false);

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (Parameter parameter in parameters())
                {
                    using Tensor? gradient = parameter.grad;
                    if (gradient is null) continue;
                    if (set_to_none)
                    {
                        parameter.grad = null;
                    }
                    else
                    {
                        using Tensor detached = gradient.detach();
                        detached.zero_();
                    }
                }
            }

            public virtual Module apply(Action<Module> fn)
            {
                foreach ((_, Module module) in moduleTable) module.apply(fn);
                fn(this);
                return this;
            }

            // ---- conversion ----------------------------------------------------------------------------------------

            /// <summary>Converts parameters and persistent buffers; the objects stay the same, their memory is new.</summary>
            protected internal virtual Module _to(Device device, ScalarType dtype, bool non_blocking)
            {
                foreach ((_, Module module) in moduleTable) module._to(device, dtype, non_blocking);
                return Convert(dtype, device, non_blocking);
            }

            protected internal virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
            {
                foreach ((_, Module module) in moduleTable) module._to(deviceType, deviceIndex, non_blocking);
                return Convert(null, new Device(deviceType, deviceIndex), non_blocking);
            }

            protected internal virtual Module _to(ScalarType dtype, bool non_blocking)
            {
                foreach ((_, Module module) in moduleTable) module._to(dtype, non_blocking);
                return Convert(dtype, null, non_blocking);
            }

            private Module Convert(ScalarType? dtype, Device? device, bool non_blocking)
            {
                using IDisposable mode = no_grad();
                foreach ((_, Parameter parameter) in parameterTable) Convert(parameter, dtype, device, non_blocking);
                foreach ((_, (Tensor buffer, bool persistent)) in bufferTable)
                    if (persistent) Convert(buffer, dtype, device, non_blocking);
                return this;
            }

            private static void Convert(Tensor tensor, ScalarType? dtype, Device? device, bool non_blocking)
            {
                ScalarType type = tensor.is_floating_point() ? dtype ?? tensor.dtype : tensor.dtype;
                Device place = device ?? tensor.device;
                if (type == tensor.dtype && place.Equals(tensor.device)) return;
                bool required = tensor.requires_grad;
                using Tensor? gradient = tensor.is_leaf ? tensor.grad : null;
                tensor.Adopt(tensor.to(type, place, non_blocking: non_blocking));
                tensor.requires_grad = required;
                if (gradient is null) return;
                using Tensor moved = gradient.to(type, place, non_blocking: non_blocking);
                tensor.grad = moved;
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing) return;
                foreach ((_, Parameter parameter) in parameterTable) parameter.Dispose();
                foreach ((_, (Tensor buffer, _)) in bufferTable) buffer.Dispose();
                foreach ((_, Module module) in moduleTable) module.Dispose();
            }

            internal void ClearModules() => moduleTable.Clear();

            internal void ClearParameters() => parameterTable.Clear();
        }
    }
}

/// <summary>Conversion of whole modules; returns the module itself.</summary>
public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.Device device, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(device.type, device.index, non_blocking);
    public static T to<T>(this T module, torch.Device device, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(device, type, non_blocking);
    public static T to<T>(this T module, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(type, non_blocking);
    public static T to<T>(this T module, string device, bool non_blocking = false) where T : torch.nn.Module => module.to(new torch.Device(device), non_blocking);
    public static T to<T>(this T module, DeviceType deviceType, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(deviceType, deviceIndex, non_blocking);
    public static T cuda<T>(this T module, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(DeviceType.CUDA, deviceIndex, non_blocking);
    public static T cpu<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(DeviceType.CPU, -1, non_blocking);
    public static T half<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(torch.ScalarType.Float16, non_blocking);
    public static T bfloat16<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(torch.ScalarType.BFloat16, non_blocking);
    public static T @float<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(torch.ScalarType.Float32, non_blocking);
    public static T @double<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => (T)module._to(torch.ScalarType.Float64, non_blocking);
}
