// SPDX-License-Identifier: GPL-2.0-only
/* Which pages are in the balloon, and what the driver did wrong. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "books.h"

#define MAGIC		0x736b6f6f42624141ull
#define VERSION		1
#define HEADER_SIZE	4096
/* The wire has 32 bits for a page number: 16 TiB. The file is sparse. */
#define PAGES_MAX	(1ull << 32)

static const char * const names[V_KINDS] = {
	[V_INFLATED_TWICE] = "inflated_twice",
	[V_NEVER_INFLATED] = "never_inflated",
	[V_NO_PAGE] = "no_page",
	[V_USED] = "used",
	[V_REPORTED] = "reported",
	[V_LENGTH] = "length",
	[V_RING] = "ring",
	[V_TWO_BUFFERS] = "two_buffers",
	[V_STATS] = "stats",
	[V_PRESSURE] = "pressure",
};

_Static_assert(sizeof(struct books_header) <= HEADER_SIZE, "the header has one page");

const char *violation_name(enum violation kind)
{
	return names[kind];
}

static size_t file_size(uint64_t pages)
{
	return HEADER_SIZE + (pages + 63) / 64 * 8;
}

static int map(struct books *books, size_t size)
{
	void *new;

	if (books->header)
		new = mremap(books->header, books->map_size, size, MREMAP_MAYMOVE);
	else
		new = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, books->fd, 0);
	if (new == MAP_FAILED)
		return -errno;
	books->header = new;
	books->bitmap = (uint64_t *)((char *)new + HEADER_SIZE);
	books->map_size = size;
	return 0;
}

/* Are these books, whole and ours? A file of all zeros becomes new ones. */
static int check(struct books *books, size_t size)
{
	struct books_header *header = books->header;
	uint64_t pages, held = 0;

	if (!header->magic && !header->pages) {
		header->magic = MAGIC;
		header->version = VERSION;
		books->unsure = true;
		return 0;
	}
	if (header->magic != MAGIC || header->version != VERSION || header->pages > PAGES_MAX ||
	    size < file_size(header->pages))
		return -EINVAL;
	pages = header->pages;
	if (map(books, file_size(pages)))
		return -ENOMEM;
	/* We may have been killed between the bit and the count. */
	for (uint64_t i = 0; i < (pages + 63) / 64; i++)
		held += (uint64_t)__builtin_popcountll(books->bitmap[i]);
	books->header->held = held;
	books->unsure = false;
	return 0;
}

int books_open(struct books *books, const char *path)
{
	struct stat stat;
	int error;

	memset(books, 0, sizeof(*books));
	books->fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) :
			   memfd_create("balloon-books", MFD_CLOEXEC);
	if (books->fd < 0)
		return -errno;
	/* Two devices with the same books would be no end of trouble. */
	if (flock(books->fd, LOCK_EX | LOCK_NB) || fstat(books->fd, &stat))
		goto fail;
	if (!S_ISREG(stat.st_mode)) {
		errno = EINVAL;
		goto fail;
	}
	if (stat.st_size < HEADER_SIZE && ftruncate(books->fd, HEADER_SIZE))
		goto fail;
	error = map(books, HEADER_SIZE);
	if (!error)
		error = check(books, (size_t)stat.st_size);
	if (error) {
		errno = -error;
		goto fail;
	}
	return 0;
fail:
	error = -errno;
	books_close(books);
	return error;
}

void books_close(struct books *books)
{
	if (books->header)
		munmap(books->header, books->map_size);
	if (books->fd >= 0)
		close(books->fd);
	books->header = NULL;
	books->fd = -1;
}

int books_size(struct books *books, uint64_t pages)
{
	int error;

	if (pages > PAGES_MAX)
		return -EFBIG;
	if (pages <= books->header->pages)
		return 0;
	if (ftruncate(books->fd, (off_t)file_size(pages)))
		return -errno;
	error = map(books, file_size(pages));
	if (!error)
		books->header->pages = pages;
	return error;
}

void books_empty(struct books *books)
{
	memset(books->bitmap, 0, books->map_size - HEADER_SIZE);
	books->header->held = 0;
	books->header->actual = 0;
	books->header->poison = 0;
	memset(books->header->taken, 0, sizeof(books->header->taken));
	books->unsure = false;
}

bool books_held(const struct books *books, uint64_t pfn)
{
	return pfn < books->header->pages && books->bitmap[pfn / 64] >> pfn % 64 & 1;
}

bool books_inflate(struct books *books, uint64_t pfn, bool replay)
{
	if (pfn >= books->header->pages) {
		books_violation(books, V_NO_PAGE, "inflate of page %#llx: no such page",
				(unsigned long long)pfn);
		return false;
	}
	if (books_held(books, pfn)) {
		if (!replay)
			books_violation(books, V_INFLATED_TWICE,
					"inflate of page %#llx: it is in the balloon",
					(unsigned long long)pfn);
		return false;
	}
	books->bitmap[pfn / 64] |= 1ull << pfn % 64;
	books->header->held++;
	books->header->inflated++;
	return true;
}

bool books_deflate(struct books *books, uint64_t pfn, bool replay)
{
	if (!books_held(books, pfn)) {
		if (pfn >= books->header->pages)
			books_violation(books, V_NO_PAGE, "deflate of page %#llx: no such page",
					(unsigned long long)pfn);
		else if (books->unsure)
			books->header->unknown++;
		else if (!replay)
			books_violation(books, V_NEVER_INFLATED,
					"deflate of page %#llx: it is not in the balloon",
					(unsigned long long)pfn);
		return false;
	}
	books->bitmap[pfn / 64] &= ~(1ull << pfn % 64);
	books->header->held--;
	books->header->deflated++;
	return true;
}

/* The first page from `pfn` on that is held, or that is not. */
static uint64_t find(const struct books *books, uint64_t pfn, bool held)
{
	uint64_t pages = books->header->pages, word;

	while (pfn < pages) {
		word = books->bitmap[pfn / 64];
		if (!held)
			word = ~word;
		word >>= pfn % 64;
		if (word) {
			pfn += (uint64_t)__builtin_ctzll(word);
			break;
		}
		pfn = (pfn / 64 + 1) * 64;
	}
	return pfn < pages ? pfn : pages;
}

bool books_run(const struct books *books, uint64_t *pfn, uint64_t *end)
{
	*pfn = find(books, *pfn, true);
	*end = find(books, *pfn, false);
	return *pfn < *end;
}

void books_violation(struct books *books, enum violation kind, const char *format, ...)
{
	char *message = books->message[books->messages % BOOKS_MESSAGES];
	va_list arguments;

	books->header->violations[kind]++;
	va_start(arguments, format);
	vsnprintf(message, BOOKS_MESSAGE_SIZE, format, arguments);
	va_end(arguments);
	books->messages++;
	if (books->tell)
		books->tell(books->context, message);
}

uint64_t books_violations(const struct books *books)
{
	uint64_t total = 0;
	unsigned int i;

	for (i = 0; i < V_KINDS; i++)
		total += books->header->violations[i];
	return total;
}
