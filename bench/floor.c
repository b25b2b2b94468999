// SPDX-License-Identifier: Apache-2.0
/*
 * What one core can do: the least work that still gives the events of `dmesg --decode` text.
 * The file is mapped, the sensor's tag is searched 32 bytes at a time, digits are copied, and
 * the output is written by the megabyte. No care for hostile input: a measure, no model.
 *	floor w1|w2 FILE OUT		w1: the sensor's lines; w2: each line a kernel_message
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAG	 "[PHOTON RING]"
#define TAG_LEN	 (sizeof(TAG) - 1)
#define STEP	 32
#define FULL	 ((size_t)1 << 20)
#define LINE_MAX ((size_t)1 << 16)

static char output[FULL + LINE_MAX];
static char *out = output;
static int out_fd;

#define PUT(literal) put(literal, sizeof(literal) - 1)

static inline void put(const char *bytes, size_t len)
{
	memcpy(out, bytes, len);
	out += len;
}

static void write_out(void)
{
	for (char *from = output; from < out;) {
		ssize_t n = write(out_fd, from, (size_t)(out - from));

		if (n <= 0)
			exit(2);
		from += n;
	}
	out = output;
}

static inline void put_number(uint64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);

	do
		digits[--first] = (char)('0' + number % 10);
	while (number /= 10);
	put(digits + first, sizeof(digits) - first);
}

static void put_escape(unsigned char byte)
{
	if (byte == '"' || byte == '\\') {
		*out++ = '\\';
		*out++ = (char)byte;
	} else if (byte >= ' ') {
		*out++ = (char)byte;
	} else {
		PUT("\\u00");
		*out++ = "01"[byte >> 4];
		*out++ = "0123456789abcdef"[byte & 15];
	}
}

/* One bit for each byte that JSON wants escaped. */
static inline uint32_t find_escapes(__m256i bytes)
{
	const __m256i control = _mm256_set1_epi8(0x1f);
	__m256i found = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, control), bytes);

	found = _mm256_or_si256(found, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')));
	found = _mm256_or_si256(found, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
	return (uint32_t)_mm256_movemask_epi8(found);
}

static inline void put_string(const char *s, const char *end)
{
	*out++ = '"';
	while (end - s >= STEP) {
		__m256i bytes = _mm256_loadu_si256((const void *)s);
		uint32_t found = find_escapes(bytes);
		int n = found ? __builtin_ctz(found) : STEP;

		_mm256_storeu_si256((void *)out, bytes);
		out += n;
		s += n;
		if (found)
			put_escape((unsigned char)*s++);
	}
	while (s < end)
		put_escape((unsigned char)*s++);
	*out++ = '"';
}

static inline void put_head(uint64_t seq, const char *line, const char *end)
{
	const char *stamp = memchr(line, '[', (size_t)(end - line));
	const char *stop = stamp ? memchr(stamp, ']', (size_t)(end - stamp)) : NULL;

	PUT("{\"seq\": ");
	put_number(seq);
	PUT(", \"ts\": ");
	if (!stop)
		exit(2);
	do
		stamp++;
	while (*stamp == ' ');
	put(stamp, (size_t)(stop - stamp));
}

static inline bool takes(const char **s, const char *end, const char *literal, size_t len)
{
	if ((size_t)(end - *s) < len || memcmp(*s, literal, len) != 0)
		return false;
	*s += len;
	return true;
}

#define TAKES(s, end, literal) takes(s, end, literal, sizeof(literal) - 1)

/* @s: what stands behind the tag */
static inline void put_named(const char *s, const char *end)
{
	if (memmem(s, (size_t)(end - s), "SUSPICIOUS", 10)) {
		PUT(", \"type\": \"suspicious_probe\", \"data\": {\"message\": ");
		put_string(s, end);
		PUT("}, \"severity\": \"high\", \"source\": \"kprobe_reader\"}\n");
	} else if (TAKES(&s, end, "Kprobe registered for symbol: ")) {
		const char *space = memchr(s, ' ', (size_t)(end - s));

		PUT(", \"type\": \"kprobe_registered\", \"data\": {\"symbol\": ");
		put_string(s, space ? space : end);
		PUT("}, \"severity\": \"info\", \"source\": \"kprobe_reader\"}\n");
	} else if (TAKES(&s, end, "Module loaded: ")) {
		const char *space = memchr(s, ' ', (size_t)(end - s));

		if (!space)
			exit(2);
		PUT(", \"type\": \"module_loaded\", \"data\": {\"module\": ");
		put_string(s, space);
		PUT(", \"uid\": ");
		put(space + 8, (size_t)(end - space - 8)); /* " by uid " */
		PUT("}, \"severity\": \"medium\", \"source\": \"kprobe_reader\"}\n");
	} else {
		PUT(", \"type\": \"photon_ring_generic\", \"data\": {\"message\": ");
		put_string(s, end);
		PUT("}, \"severity\": \"info\", \"source\": \"kprobe_reader\"}\n");
	}
}

/* The tag's second and last byte are compared for 32 places at once. */
static const char *find_tag(const char *p, const char *end)
{
	const __m256i second = _mm256_set1_epi8('P'), last = _mm256_set1_epi8(']');

	for (; end - p >= STEP + (ptrdiff_t)TAG_LEN; p += STEP) {
		__m256i a = _mm256_loadu_si256((const void *)(p + 1));
		__m256i b = _mm256_loadu_si256((const void *)(p + TAG_LEN - 1));
		__m256i both = _mm256_and_si256(_mm256_cmpeq_epi8(a, second),
						_mm256_cmpeq_epi8(b, last));
		uint32_t found = (uint32_t)_mm256_movemask_epi8(both);

		for (; found; found &= found - 1) {
			const char *at = p + __builtin_ctz(found);

			if (!memcmp(at, TAG, TAG_LEN))
				return at;
		}
	}
	return memmem(p, (size_t)(end - p), TAG, TAG_LEN);
}

static void name_tagged(const char *text, const char *end)
{
	const char *tag = text;
	uint64_t seq = 0;

	while ((tag = find_tag(tag, end))) {
		const char *line = memrchr(text, '\n', (size_t)(tag - text));
		const char *stop = memchr(tag, '\n', (size_t)(end - tag));

		stop = stop ? stop : end;
		put_head(seq++, line ? line + 1 : text, tag);
		put_named(tag + TAG_LEN + 1, stop);
		if (out - output >= (ptrdiff_t)FULL)
			write_out();
		tag = stop;
	}
}

static void name_all(const char *line, const char *end)
{
	uint64_t seq = 0;

	for (const char *stop; line < end; line = stop + 1) {
		const char *behind;

		stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		behind = memchr(line, ']', (size_t)(stop - line));
		if (!behind)
			continue;
		put_head(seq++, line, behind + 1);
		PUT(", \"type\": \"kernel_message\", \"data\": {\"message\": ");
		put_string(behind + 2, stop);
		PUT("}, \"severity\": \"info\", \"source\": \"kernel_log\"}\n");
		if (out - output >= (ptrdiff_t)FULL)
			write_out();
	}
}

int main(int argc, char **argv)
{
	int fd = argc == 4 ? open(argv[2], O_RDONLY) : -1;
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 2;
	out_fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	text = mmap(NULL, (size_t)st.st_size + STEP, PROT_READ,
		    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (out_fd < 0 || text == MAP_FAILED)
		return 2;
	if (!strcmp(argv[1], "w1"))
		name_tagged(text, text + st.st_size);
	else
		name_all(text, text + st.st_size);
	write_out();
	return 0;
}
