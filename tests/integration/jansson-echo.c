// SPDX-License-Identifier: Apache-2.0
/* Reads JSON Lines with jansson and prints each again, ASCII only; the first bad one ends
 * it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		json_error_t error;
		json_t *value = json_loadb(
			line, (size_t)n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

		if (!value) {
			fprintf(stderr, "%s in: %s", error.text, line);
			return 1;
		}
		if (json_dumpf(value, stdout,
			       JSON_ENSURE_ASCII | JSON_REAL_PRECISION(17)) < 0)
			return 1;
		putchar('\n');
		json_decref(value);
	}
	free(line);
	return 0;
}
