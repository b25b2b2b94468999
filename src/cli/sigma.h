/* SPDX-License-Identifier: Apache-2.0 */
/* Sigma rules (https://sigmahq.io) as rules of LKSM. */
#ifndef CLI_SIGMA_H
#define CLI_SIGMA_H

#include <stddef.h>

/**
 * sigma_import() - print a file of rules to the standard output
 * @paths: files, each with one Sigma rule
 *
 * What is understood: logsource product linux with service kernel, dmesg, syslog or none,
 * and no category; a detection of one list of keywords (one is enough), or of '|all' with a
 * list (all must be there), and the condition that names it; level; tags. Keywords are
 * matched as they are written. Anything else is refused with its place.
 *
 * Return: an exit code: EXIT_DONE; EXIT_NOTHING if some rule was refused, EXIT_TROUBLE if a
 * file cannot be read (nothing is printed then).
 */
int sigma_import(char **paths, size_t n);

#endif
