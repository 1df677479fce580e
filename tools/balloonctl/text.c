// SPDX-License-Identifier: GPL-2.0-only
/* Sentences that end their lines between words. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/*
 * Prints a text, and ends its lines where those of the terminal would end
 * within a word. So many columns of the first line have been printed already;
 * the others begin with `hang` blanks.
 */
void print_sentence(const struct style *style, int column, int hang,
		    const char *format, ...)
{
	char text[512], *word, *rest = text;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	while ((word = strsep(&rest, " "))) {
		int width = (int)strlen(word) + (word != text);

		if (style->columns && column > hang &&
		    column + width > style->columns) {
			printf("\n%*s", hang, "");
			column = hang + (int)strlen(word);
		} else {
			if (word != text)
				putchar(' ');
			column += width;
		}
		fputs(word, stdout);
	}
	putchar('\n');
}
