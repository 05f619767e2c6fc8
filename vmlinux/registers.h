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
#elif defined(__TARGET_ARCH_arm64)
struct registers {
	__u64 regs[31], sp, pc, pstate;
};
#define REGISTERS_RETURN(r) ((r)->regs[0])
#elif defined(__TARGET_ARCH_arm)
struct registers {
	__u32 uregs[18];
};
#define REGISTERS_RETURN(r) ((__u64)(r)->uregs[0])
#else
#error "which registers does this architecture have?"
#endif

/* What the probed function returns, in a return probe. */
static __always_inline __u64 return_value(const void *ctx)
{
	return REGISTERS_RETURN((const struct registers *)ctx);
}

#endif
