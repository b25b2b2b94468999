/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the kernel's: what is wanted of it stands in the test. */
