using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>Modules one after another; each intermediate is disposed.</summary>
    public class Sequential : nn.Module<Tensor, Tensor>
    {
        private readonly List<nn.IModule<Tensor, Tensor>> steps = [];

        internal Sequential(IEnumerable<(string Name, nn.Module<Tensor, Tensor> Module)> modules) : base(nameof(Sequential))
        {
            foreach ((string name, nn.Module<Tensor, Tensor> module) in modules) append(name, module);
        }

        protected Sequential(params nn.Module<Tensor, Tensor>[] modules) : this(modules.Select((m, i) => (i.ToString(CultureInfo.InvariantCulture), m)))
        {
        }

        public int Count => steps.Count;

        public nn.IModule<Tensor, Tensor> this[int index] => steps[index];

        public Sequential append(nn.IModule<Tensor, Tensor> module) => append(steps.Count.ToString(CultureInfo.InvariantCulture), module);

        public Sequential append(string name, nn.IModule<Tensor, Tensor> module)
        {
            register_module(name, (nn.Module)module);
            steps.Add(module);
            return this;
        }

        public override Tensor forward(Tensor tensor)
        {
            if (steps.Count == 0) return tensor.alias();
            Tensor current = steps[0].call(tensor);
            for (int i = 1; i < steps.Count; i++)
            {
                Tensor next = steps[i].call(current);
                current.Dispose();
                current = next;
            }
            return current;
        }
    }

    /// <summary>Modules under the names 0, 1, 2, …</summary>
    public class ModuleList<T> : nn.Module, IList<T> where T : nn.Module
    {
        private readonly List<T> list = [];

        public ModuleList(params T[] modules) : base("ModuleList") => extend(modules);

        public int Count => list.Count;

        public bool IsReadOnly => false;

        public T this[int index]
        {
            get => list[index];
            set
            {
                list[index] = value;
                Renumber();
            }
        }

        public void append(params T[] parameters) => extend(parameters);

        public void extend(IEnumerable<T> modules)
        {
            foreach (T module in modules) Add(module);
        }

        public void Add(T item)
        {
            list.Add(item);
            register_module((list.Count - 1).ToString(CultureInfo.InvariantCulture), item);
        }

        public void Insert(int index, T item)
        {
            list.Insert(index, item);
            Renumber();
        }

        public bool Remove(T item)
        {
            bool found = list.Remove(item);
            Renumber();
            return found;
        }

        public void RemoveAt(int index)
        {
            list.RemoveAt(index);
            Renumber();
        }

        public void Clear()
        {
            list.Clear();
            ClearModules();
        }

        public bool Contains(T item) => list.Contains(item);

        public void CopyTo(T[] array, int arrayIndex) => list.CopyTo(array, arrayIndex);

        public int IndexOf(T item) => list.IndexOf(item);

        public IEnumerator<T> GetEnumerator() => list.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        private void Renumber()
        {
            ClearModules();
            for (int i = 0; i < list.Count; i++) register_module(i.ToString(CultureInfo.InvariantCulture), list[i]);
        }
    }

    /// <summary>Named modules, in the order they were added.</summary>
    public class ModuleDict<T> : nn.Module where T : nn.Module
    {
        private readonly List<(string Key, T Value)> list = [];

        public ModuleDict() : base("ModuleDict")
        {
        }

        public int Count => list.Count;

        public T this[string key]
        {
            get => list.FirstOrDefault(e => e.Key == key).Value ?? throw new KeyNotFoundException($"there is no module {key}");
            set
            {
                int at = list.FindIndex(e => e.Key == key);
                if (at < 0)
                {
                    Add(key, value);
                    return;
                }
                list[at] = (key, value);
                register_module(key, null!);
                register_module(key, value);
            }
        }

        public void Add(string key, T value)
        {
            register_module(key, value);
            list.Add((key, value));
        }

        public bool ContainsKey(string key) => list.Exists(e => e.Key == key);

        public IEnumerable<string> keys() => list.Select(e => e.Key);

        public IEnumerable<T> values() => list.Select(e => e.Value);

        public IEnumerator<(string, T)> items() => list.GetEnumerator();
    }

    /// <summary>Parameters under the names 0, 1, 2, …</summary>
    public class ParameterList : nn.Module, IEnumerable<Parameter>
    {
        private readonly List<Parameter> list = [];

        public ParameterList(params Parameter[] parameters) : base("ParameterList") => extend(parameters);

        public int Count => list.Count;

        public Parameter this[int index]
        {
            get => list[index];
            set
            {
                list[index] = value;
                ConditionallyRegisterParameter(index.ToString(CultureInfo.InvariantCulture), value);
            }
        }

        public void append(params Parameter[] parameters) => extend(parameters);

        public void extend(IEnumerable<Parameter> parameters)
        {
            foreach (Parameter parameter in parameters) Add(parameter);
        }

        public void Add(Parameter item)
        {
            register_parameter(list.Count.ToString(CultureInfo.InvariantCulture), item);
            list.Add(item);
        }

        public IEnumerator<Parameter> GetEnumerator() => list.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => Sequential((IEnumerable<Module<Tensor, Tensor>>)modules);

            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);

            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) => new(modules.Select((m, i) => (i.ToString(CultureInfo.InvariantCulture), m)));

            public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules) => new(modules);

            public static ModuleList<Module> ModuleList(params Module[] modules) => new(modules);

            public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);

            public static ModuleDict<T> ModuleDict<T>(params (string, T)[] modules) where T : Module
            {
                var dictionary = new ModuleDict<T>();
                foreach ((string name, T module) in modules) dictionary.Add(name, module);
                return dictionary;
            }

            public static ParameterList ParameterList(params Parameter[] parameters) => new(parameters);
        }
    }
}
