using System;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A source of random numbers (CPU), or a device's default one.</summary>
    public unsafe class Generator : IDisposable
    {
        private IntPtr handle;

        /// <param name="seed">0: torch's own default seed.</param>
        /// <param name="device">Only the CPU has generators of one's own.</param>
        public Generator(ulong seed = 0, Device? device = null)
        {
            if (device is not null && device.type != DeviceType.CPU)
                throw new NotSupportedException($"a generator of one's own lives on the CPU, not on {device}");
            this.device = CPU;
            IntPtr made;
            NativeMethods.Check(NativeMethods.lips_generator_new(seed == 0 ? 67280421310721UL : seed, &made));
            handle = made;
        }

        internal Generator(IntPtr handle, Device device)
        {
            this.handle = handle;
            this.device = device;
        }

        ~Generator() => Dispose(false);

        public static Generator Default => OfDevice(CPU);

        internal static Generator OfDevice(Device device)
        {
            IntPtr made;
            NativeMethods.Check(NativeMethods.lips_generator_default((int)device.type, device.index, &made));
            return new Generator(made, device);
        }

        public IntPtr Handle => handle != 0 ? handle : throw new ObjectDisposedException(nameof(Generator));

        public Device device { get; }

        public Generator manual_seed(long seed)
        {
            NativeMethods.Check(NativeMethods.lips_generator_seed(Handle, (ulong)seed));
            return this;
        }

        public long initial_seed() => (long)NativeMethods.lips_generator_initial_seed(Handle);

        /// <summary>The state as a byte tensor on the CPU.</summary>
        public Tensor get_state()
        {
            IntPtr state;
            NativeMethods.Check(NativeMethods.lips_generator_get_state(Handle, &state));
            return new Tensor(state);
        }

        public void set_state(Tensor value)
        {
            NativeMethods.Check(NativeMethods.lips_generator_set_state(Handle, value.Handle));
            GC.KeepAlive(value);
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (handle == 0) return;
            NativeMethods.lips_generator_free(handle);
            handle = 0;
        }
    }

    /// <summary>Seeds the CPU's and every CUDA device's default generator.</summary>
    public static Generator manual_seed(long seed)
    {
        NativeMethods.Check(NativeMethods.lips_manual_seed(seed));
        return Generator.Default;
    }

    public static long initial_seed() => random.initial_seed();

    public static Tensor get_rng_state() => random.get_rng_state();

    public static void set_rng_state(Tensor new_state) => random.set_rng_state(new_state);

    public static partial class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static long initial_seed()
        {
            using Generator generator = Generator.Default;
            return generator.initial_seed();
        }

        /// <summary>The state of the CPU's default generator, a byte tensor.</summary>
        public static Tensor get_rng_state()
        {
            using Generator generator = Generator.Default;
            return generator.get_state();
        }

        public static void set_rng_state(Tensor new_state)
        {
            using Generator generator = Generator.Default;
            generator.set_state(new_state);
        }
    }
}
