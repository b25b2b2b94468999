// SPDX-License-Identifier: Apache-2.0
/*
 * The plain way, to measure against: getline, strstr, sscanf, fprintf. Names the sensor's
 * lines of `dmesg --decode` text, with no care for hostile input.
 *	baseline FILE OUT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_string(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", *text);
		else
			fputc(*text, out);
	}
}

static void print_message(FILE *out, const char *type, const char *text,
			  const char *severity)
{
	fprintf(out, "\"type\": \"%s\", \"data\": {\"message\": \"", type);
	print_string(out, text);
	fprintf(out, "\"}, \"severity\": \"%s\"", severity);
}

static void print(FILE *out, unsigned long seq, double ts, const char *text)
{
	char name[256];
	int uid;

	fprintf(out, "{\"seq\": %lu, \"ts\": %.6f, ", seq, ts);
	if (strstr(text, "SUSPICIOUS"))
		print_message(out, "suspicious_probe", text, "high");
	else if (sscanf(text, "Kprobe registered for symbol: %255s", name) == 1)
		fprintf(out,
			"\"type\": \"kprobe_registered\", \"data\": {\"symbol\": "
			"\"%s\"}, \"severity\": \"info\"",
			name);
	else if (sscanf(text, "Module loaded: %255s by uid %d", name, &uid) == 2)
		fprintf(out,
			"\"type\": \"module_loaded\", \"data\": {\"module\": \"%s\", "
			"\"uid\": %d}, \"severity\": \"medium\"",
			name, uid);
	else
		print_message(out, "photon_ring_generic", text, "info");
	fprintf(out, ", \"source\": \"kprobe_reader\"}\n");
}

int main(int argc, char **argv)
{
	FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL;
	FILE *out = in ? fopen(argv[2], "w") : NULL;
	char *line = NULL;
	size_t size = 0;
	unsigned long seq = 0;
	ssize_t n;

	if (!out)
		return 2;
	while ((n = getline(&line, &size, in)) > 0) {
		const char *tag = strstr(line, "[PHOTON RING] ");
		const char *stamp = strchr(line, '[');
		double ts;

		if (!tag || !stamp || sscanf(stamp, "[%lf]", &ts) != 1)
			continue;
		line[n - 1] = '\0';
		print(out, seq++, ts, tag + 14);
	}
	free(line);
	return fclose(out) || fclose(in);
}
