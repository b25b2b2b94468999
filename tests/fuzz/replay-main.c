// SPDX-License-Identifier: Apache-2.0
/* Feeds every file of a corpus folder to a fuzz target, as a test: replay-x FOLDER */
#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "fuzz.h"

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int read_file(const char *folder, const char *name, struct buffer *ret)
{
	_cleanup_buffer_ struct buffer path = { 0 };
	_cleanup_fclose_ FILE *file = NULL;
	char block[4096];
	size_t n;

	buffer_appendf(&path, "%s/%s", folder, name);
	file = fopen(buffer_cstring(&path), "re");
	if (!file)
		return -errno;
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(ret, block, n);
	return ferror(file) ? -EIO : buffer_error(ret);
}

/* The target gets memory of the exact size, so that a sanitizer sees a step beyond it. */
static int replay(const char *folder, const char *name)
{
	_cleanup_buffer_ struct buffer input = { 0 };
	_cleanup_free_ uint8_t *exact = NULL;
	int r = read_file(folder, name, &input);

	if (r < 0)
		return r;
	exact = malloc(input.len ? input.len : 1);
	if (!exact)
		return -ENOMEM;
	if (input.len)
		memcpy(exact, input.data, input.len);
	return LLVMFuzzerTestOneInput(exact, input.len);
}

int main(int argc, char **argv)
{
	struct dirent **entries = NULL;
	int n = argc == 2 ? scandir(argv[1], &entries, is_visible, alphasort) : -1;
	int n_failed = 0;

	if (n <= 0) {
		printf("Bail out! no corpus in %s\n",
		       argc == 2 ? argv[1] : "(no folder given)");
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		int r = replay(argv[1], entries[i]->d_name);

		printf("%sok %d - %s\n", r ? "not " : "", i + 1, entries[i]->d_name);
		fflush(stdout); /* a crash in the next one must not take this line along
				 */
		n_failed += r != 0;
		free(entries[i]);
	}
	free(entries);
	return n_failed > 0;
}
