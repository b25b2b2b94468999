/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody would try whose code runs in a process of ours: to get out of it, or at
 * what is logged. For tests only.
 */
#ifndef TESTS_PLANTED_ATTACKS_H
#define TESTS_PLANTED_ATTACKS_H

struct attack {
	const char *name;
	int (*run)(void); /* 0: it worked; -errno: it was refused. It may not come back */
};

/** attacks - ends with a NULL name */
extern const struct attack attacks[];

#endif
