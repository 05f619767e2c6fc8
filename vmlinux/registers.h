/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_VMLINUX_REGISTERS_H
#define KMSCOPE_VMLINUX_REGISTERS_H
/*
 * The registers that probes on functions get as their context: struct pt_regs as each architecture's
 * uapi/asm/ptrace.h lays it out, which is ABI. libbpf's own views have longs of 8 bytes and so are
 * wrong for ARM32.
 */
#ifdef __TARGET_ARCH_x86
struct registers {
	__u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax;
	__u64 rip, cs, flags, rsp, ss;
};
#define REGISTERS_RETURN(r) ((r)->rax)
#define REGISTERS_IP(r)	    ((r)->rip)
#define REGISTERS_KERNEL(r) (!((r)->cs & 3))
#elif defined(__TARGET_ARCH_arm64)
struct registers {
	__u64 regs[31], sp, pc, pstate;
};
#define REGISTERS_RETURN(r) ((r)->regs[0])
#define REGISTERS_IP(r)	    ((r)->pc)
#define REGISTERS_KERNEL(r) ((r)->pstate & 0xf)
#elif defined(__TARGET_ARCH_arm)
struct registers {
	__u32 uregs[18];
};
#define REGISTERS_RETURN(r) ((__u64)(r)->uregs[0])
#define REGISTERS_IP(r)	    ((__u64)(r)->uregs[15])
#define REGISTERS_KERNEL(r) ((r)->uregs[16] & 0xf)
#else
#error "which registers does this architecture have?"
#endif

/* What the probed function returns, in a return probe. */
static __always_inline __u64 return_value(const void *ctx)
{
	return REGISTERS_RETURN((const struct registers *)ctx);
}

/*
 * Argument @n (from 1, a constant) of the probed function, in a probe on its first instruction, by the
 * calling conventions of C: those that are not in registers (x86: from the 7th on, arm64: the 9th, ARM32:
 * the 5th) lie on the stack. Each takes one place: ARM32's arguments of 64 bits are the caller's to sort.
 */
static __always_inline __u64 argument(const void *ctx, int n)
{
	const struct registers *r = ctx;
#ifdef __TARGET_ARCH_x86
	__u64 value = 0;

	switch (n) {
	case 1:
		return r->rdi;
	case 2:
		return r->rsi;
	case 3:
		return r->rdx;
	case 4:
		return r->rcx;
	case 5:
		return r->r8;
	case 6:
		return r->r9;
	}
	/* above the return address */
	bpf_probe_read_kernel(&value, sizeof(value), (void *)(r->rsp + 8 * (n - 6)));
	return value;
#elif defined(__TARGET_ARCH_arm64)
	__u64 value = 0;

	switch (n) {
	case 1:
		return r->regs[0];
	case 2:
		return r->regs[1];
	case 3:
		return r->regs[2];
	case 4:
		return r->regs[3];
	case 5:
		return r->regs[4];
	case 6:
		return r->regs[5];
	case 7:
		return r->regs[6];
	case 8:
		return r->regs[7];
	}
	bpf_probe_read_kernel(&value, sizeof(value), (void *)(r->sp + 8 * (n - 9)));
	return value;
#else
	__u32 value = 0;

	switch (n) {
	case 1:
		return r->uregs[0];
	case 2:
		return r->uregs[1];
	case 3:
		return r->uregs[2];
	case 4:
		return r->uregs[3];
	}
	bpf_probe_read_kernel(&value, sizeof(value), (void *)((__u64)r->uregs[13] + 4 * (n - 5)));
	return value;
#endif
}

/* Where the probed function will return to, in a probe on its first instruction. */
static __always_inline __u64 return_address(const void *ctx)
{
	const struct registers *r = ctx;
#ifdef __TARGET_ARCH_x86
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)r->rsp);
	return value;
#elif defined(__TARGET_ARCH_arm64)
	return r->regs[30];
#else
	return r->uregs[14];
#endif
}

#endif
