/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the kernel's: as much of its kprobes as tests want. */
#ifndef TESTS_UNIT_KERNEL_LINUX_KPROBES_H
#define TESTS_UNIT_KERNEL_LINUX_KPROBES_H

#include <stdint.h>

typedef uint8_t kprobe_opcode_t;

struct kprobe {
	kprobe_opcode_t *addr;
	kprobe_opcode_t opcode;
	uint32_t flags;
};
#define KPROBE_FLAG_FTRACE 8

struct optimized_kprobe {
	struct kprobe kp;
	struct {
		kprobe_opcode_t copied_insn[4];
		kprobe_opcode_t *insn;
	} optinsn;
};

#endif
