/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * terminal.c - see terminal.h. */
#include "harness/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NARROWEST = 40, USUAL = 80, WIDEST = 240 };

unsigned terminal_columns(int descriptor)
{
    struct winsize size = {.ws_col = 0};
    const char *text = getenv("COLUMNS");
    char *end = NULL;
    long columns = 0;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns <= 0 && text) {
        columns = strtol(text, &end, 10);
        if (end == text || *end)
            columns = 0;
    }
    if (columns <= 0)
        columns = USUAL;
    return columns < NARROWEST ? NARROWEST : columns > WIDEST ? WIDEST : (unsigned)columns;
}

bool terminal_colour(int descriptor)
{
    const char *forbidden = getenv("NO_COLOR"), *kind = getenv("TERM");
    if (forbidden && *forbidden)
        return false;
    return isatty(descriptor) && kind && *kind && strcmp(kind, "dumb") != 0;
}

struct report_style terminal_style(bool long_form, const char *folder)
{
    return (struct report_style){
        .columns = terminal_columns(STDOUT_FILENO),
        .colour = terminal_colour(STDOUT_FILENO),
        .long_form = long_form,
        .folder = folder,
    };
}
