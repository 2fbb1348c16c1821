using System;
using System.Collections.Generic;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A module whose calls can be watched and changed.</summary>
        public class HookableModule<TPreHook, TPostHook> : Module
        {
            private protected List<TPreHook>? preHooks;
            private protected List<TPostHook>? postHooks;
            private protected List<Action<Module>>? modulePreHooks;
            private protected List<Action<Module>>? modulePostHooks;

            protected HookableModule(string name) : base(name)
            {
            }

            internal bool Hooked => preHooks is not null || postHooks is not null || modulePreHooks is not null || modulePostHooks is not null;

            /// <summary>Runs after <c>forward</c>, and may replace its result.</summary>
            public HookRemover register_forward_hook(TPostHook hook)
            {
                (postHooks ??= []).Add(hook);
                return new HookRemover(() => postHooks.Remove(hook));
            }

            public HookRemover register_forward_hook(Action<Module> hook)
            {
                (modulePostHooks ??= []).Add(hook);
                return new HookRemover(() => modulePostHooks.Remove(hook));
            }

            /// <summary>Runs before <c>forward</c>, and may replace its input.</summary>
            public HookRemover register_forward_pre_hook(TPreHook hook)
            {
                (preHooks ??= []).Add(hook);
                return new HookRemover(() => preHooks.Remove(hook));
            }

            public HookRemover register_forward_pre_hook(Action<Module> hook)
            {
                (modulePreHooks ??= []).Add(hook);
                return new HookRemover(() => modulePreHooks.Remove(hook));
            }

            private protected void Run(List<Action<Module>>? hooks)
            {
                if (hooks is null) return;
                foreach (Action<Module> hook in hooks.ToArray()) hook(this);
            }

            /// <summary>Takes a hook off again.</summary>
            public class HookRemover
            {
                private readonly Action removal;

                internal HookRemover(Action removal) => this.removal = removal;

                public void remove() => removal();
            }
        }

        public interface IModule<T, TResult>
        {
            TResult call(T input1);
        }

        /// <summary>A module of one input. <c>call</c> is <c>forward</c> with hooks.</summary>
        public abstract class Module<T, TResult>(string name) : HookableModule<Func<Module<T, TResult>, T, T>, Func<Module<T, TResult>, T, TResult, TResult>>(name), IModule<T, TResult>
        {
            public abstract TResult forward(T input);

            public TResult call(T input) => Hooked ? CallWithHooks(input) : forward(input);

            private TResult CallWithHooks(T input)
            {
                Run(modulePreHooks);
                if (preHooks is not null)
                {
                    foreach (Func<Module<T, TResult>, T, T> hook in preHooks.ToArray())
                        if (hook(this, input) is { } changed) input = changed;
                }
                TResult result = forward(input);
                Run(modulePostHooks);
                if (postHooks is null) return result;
                foreach (Func<Module<T, TResult>, T, TResult, TResult> hook in postHooks.ToArray())
                    if (hook(this, input, result) is { } changed) result = changed;
                return result;
            }
        }

        public interface IModule<T1, T2, TResult>
        {
            TResult call(T1 input1, T2 input2);
        }

        /// <summary>A module of two inputs. <c>call</c> is <c>forward</c> with hooks.</summary>
        public abstract class Module<T1, T2, TResult>(string name) : HookableModule<Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?>, Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult>>(name), IModule<T1, T2, TResult>
        {
            public abstract TResult forward(T1 input1, T2 input2);

            public TResult call(T1 input1, T2 input2) => Hooked ? CallWithHooks(input1, input2) : forward(input1, input2);

            private TResult CallWithHooks(T1 input1, T2 input2)
            {
                Run(modulePreHooks);
                if (preHooks is not null)
                {
                    foreach (Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?> hook in preHooks.ToArray())
                        if (hook(this, input1, input2) is { } changed) (input1, input2) = changed;
                }
                TResult result = forward(input1, input2);
                Run(modulePostHooks);
                if (postHooks is null) return result;
                foreach (Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult> hook in postHooks.ToArray())
                    if (hook(this, input1, input2, result) is { } changed) result = changed;
                return result;
            }
        }

        public interface IModule<T1, T2, T3, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3);
        }

        /// <summary>A module of three inputs. <c>call</c> is <c>forward</c> with hooks.</summary>
        public abstract class Module<T1, T2, T3, TResult>(string name) : HookableModule<Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?>, Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult>>(name), IModule<T1, T2, T3, TResult>
        {
            public abstract TResult forward(T1 input1, T2 input2, T3 input3);

            public TResult call(T1 input1, T2 input2, T3 input3) => Hooked ? CallWithHooks(input1, input2, input3) : forward(input1, input2, input3);

            private TResult CallWithHooks(T1 input1, T2 input2, T3 input3)
            {
                Run(modulePreHooks);
                if (preHooks is not null)
                {
                    foreach (Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?> hook in preHooks.ToArray())
                        if (hook(this, input1, input2, input3) is { } changed) (input1, input2, input3) = changed;
                }
                TResult result = forward(input1, input2, input3);
                Run(modulePostHooks);
                if (postHooks is null) return result;
                foreach (Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult> hook in postHooks.ToArray())
                    if (hook(this, input1, input2, input3, result) is { } changed) result = changed;
                return result;
            }
        }

        public interface IModule<T1, T2, T3, T4, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3, T4 input4);
        }

        /// <summary>A module of four inputs. <c>call</c> is <c>forward</c> with hooks.</summary>
        public abstract class Module<T1, T2, T3, T4, TResult>(string name) : HookableModule<Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, (T1, T2, T3, T4)?>, Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, TResult, TResult>>(name), IModule<T1, T2, T3, T4, TResult>
        {
            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4) => Hooked ? CallWithHooks(input1, input2, input3, input4) : forward(input1, input2, input3, input4);

            private TResult CallWithHooks(T1 input1, T2 input2, T3 input3, T4 input4)
            {
                Run(modulePreHooks);
                if (preHooks is not null)
                {
                    foreach (Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, (T1, T2, T3, T4)?> hook in preHooks.ToArray())
                        if (hook(this, input1, input2, input3, input4) is { } changed) (input1, input2, input3, input4) = changed;
                }
                TResult result = forward(input1, input2, input3, input4);
                Run(modulePostHooks);
                if (postHooks is null) return result;
                foreach (Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, TResult, TResult> hook in postHooks.ToArray())
                    if (hook(this, input1, input2, input3, input4, result) is { } changed) result = changed;
                return result;
            }
        }

        public interface IModule<T1, T2, T3, T4, T5, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5);
        }

        /// <summary>A module of five inputs. <c>call</c> is <c>forward</c> with hooks.</summary>
        public abstract class Module<T1, T2, T3, T4, T5, TResult>(string name) : HookableModule<Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, (T1, T2, T3, T4, T5)?>, Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, TResult, TResult>>(name), IModule<T1, T2, T3, T4, T5, TResult>
        {
            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5) => Hooked ? CallWithHooks(input1, input2, input3, input4, input5) : forward(input1, input2, input3, input4, input5);

            private TResult CallWithHooks(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5)
            {
                Run(modulePreHooks);
                if (preHooks is not null)
                {
                    foreach (Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, (T1, T2, T3, T4, T5)?> hook in preHooks.ToArray())
                        if (hook(this, input1, input2, input3, input4, input5) is { } changed) (input1, input2, input3, input4, input5) = changed;
                }
                TResult result = forward(input1, input2, input3, input4, input5);
                Run(modulePostHooks);
                if (postHooks is null) return result;
                foreach (Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, TResult, TResult> hook in postHooks.ToArray())
                    if (hook(this, input1, input2, input3, input4, input5, result) is { } changed) result = changed;
                return result;
            }
        }

        public interface IModule<T1, T2, T3, T4, T5, T6, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6);
        }

        /// <summary>A module of six inputs. <c>call</c> is <c>forward</c> with hooks.</summary>
        public abstract class Module<T1, T2, T3, T4, T5, T6, TResult>(string name) : HookableModule<Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, (T1, T2, T3, T4, T5, T6)?>, Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, TResult, TResult>>(name), IModule<T1, T2, T3, T4, T5, T6, TResult>
        {
            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6) => Hooked ? CallWithHooks(input1, input2, input3, input4, input5, input6) : forward(input1, input2, input3, input4, input5, input6);

            private TResult CallWithHooks(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6)
            {
                Run(modulePreHooks);
                if (preHooks is not null)
                {
                    foreach (Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, (T1, T2, T3, T4, T5, T6)?> hook in preHooks.ToArray())
                        if (hook(this, input1, input2, input3, input4, input5, input6) is { } changed) (input1, input2, input3, input4, input5, input6) = changed;
                }
                TResult result = forward(input1, input2, input3, input4, input5, input6);
                Run(modulePostHooks);
                if (postHooks is null) return result;
                foreach (Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, TResult, TResult> hook in postHooks.ToArray())
                    if (hook(this, input1, input2, input3, input4, input5, input6, result) is { } changed) result = changed;
                return result;
            }
        }
    }
}
