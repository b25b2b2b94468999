/* SPDX-License-Identifier: GPL-2.0-only */
/* A copy of code to compare it with later, as it is without what kprobes put into it. */
#ifndef PHOTON_RING_CODE_COPY_H
#define PHOTON_RING_CODE_COPY_H

#include <linux/types.h>

/**
 * code_copy() - copy code, with the original bytes where kprobes are
 * @to: @size bytes
 * @start: where the code is
 *
 * May sleep. Return: 0, -ENOMEM, or -EFAULT if it can't be read; then @to is undefined
 */
int code_copy(u8 *to, unsigned long start, size_t size);

#endif
