// SPDX-License-Identifier: GPL-2.0-only
/*
 * service SECONDS MIB - what a guest is there for: it changes words of its memory at
 * random, and prints how many it came to.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AT_ONCE	1000

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	size_t words = argc == 3 ? strtoul(argv[2], NULL, 0) << 17 : 0;
	uint64_t *memory = words ? malloc(words * sizeof(*memory)) : NULL;
	uint64_t x = 1;
	unsigned long done = 0;
	double end;

	if (!memory)
		return EXIT_FAILURE;
	memset(memory, 1, words * sizeof(*memory));
	end = now() + atof(argv[1]);
	do {
		for (int i = 0; i < AT_ONCE; i++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			memory[(x >> 20) % words] += x;
		}
		done += AT_ONCE;
	} while (now() < end);
	printf("%lu\n", done);
	return EXIT_SUCCESS;
}
