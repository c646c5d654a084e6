/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * progress.c - see progress.h.
 *
 * A line is put out by one write, so that nothing tears it. It is erased with blanks, which every terminal knows. */
#include "harness/progress.h"

#include "harness/clock.h"
#include "harness/terminal.h"
#include "reports/format.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INTERVAL_NS (NS_PER_S / 10)

enum { LEFT_SIZE = 48, SCREEN = 1024 };

const char *const progress_modes[] = {
    [PROGRESS_AUTO] = "auto", [PROGRESS_ALWAYS] = "always", [PROGRESS_NEVER] = "never", NULL};

struct progress {
    char line[256];
    size_t shown;     /* columns that are on the screen */
    int64_t written;  /* when, ns */
    const char *what; /* is counted; NULL: blocks */
};

struct progress *progress_open(enum progress_mode mode)
{
    bool wanted = mode == PROGRESS_ALWAYS || (mode == PROGRESS_AUTO && isatty(STDERR_FILENO));
    return wanted ? calloc(1, sizeof(struct progress)) : NULL;
}

/* Blanks over what is there, then `text`: "" leaves the line empty. */
static void rewrite(struct progress *progress, const char *text)
{
    char screen[SCREEN];
    size_t width = format_width(text);
    int blanks = progress->shown > width ? (int)(progress->shown - width) : 0;
    if (*text)
        snprintf(screen, sizeof screen, "\r%s%*s", text, blanks, "");
    else
        snprintf(screen, sizeof screen, "\r%*s\r", blanks, "");
    fputs(screen, stderr);
    fflush(stderr);
    progress->shown = width;
}

static const char *left(char text[LEFT_SIZE], double seconds)
{
    unsigned whole = seconds > 0 && seconds < 360000 ? (unsigned)ceil(seconds) : 0;
    text[0] = '\0';
    if (isnan(seconds))
        return text;
    if (whole >= 3600)
        snprintf(text, LEFT_SIZE, " · %u h %u min left", whole / 3600, whole % 3600 / 60);
    else if (whole >= 120)
        snprintf(text, LEFT_SIZE, " · %u min %u s left", whole / 60, whole % 60);
    else
        snprintf(text, LEFT_SIZE, " · %u s left", whole);
    return text;
}

void progress_show(struct progress *progress, unsigned block, unsigned blocks, const char *cell, double left_s)
{
    char text[LEFT_SIZE];
    int64_t now = clock_now();
    if (!progress || (progress->written && now - progress->written < INTERVAL_NS))
        return;
    if (blocks > 0)
        snprintf(progress->line, sizeof progress->line, "%s %u of %u · %.150s%s",
                 progress->what ? progress->what : "block", block, blocks, cell, left(text, left_s));
    else
        snprintf(progress->line, sizeof progress->line, "round %u · %.150s%s", block, cell, left(text, left_s));
    /* The last column is left free: some terminals go to the next line when it is used. */
    progress->line[format_fit(progress->line, terminal_columns(STDERR_FILENO) - 1)] = '\0';
    rewrite(progress, progress->line);
    progress->written = now;
}

void progress_count(struct progress *progress, const char *what)
{
    if (progress)
        progress->what = what;
}

void progress_note(struct progress *progress, const char *format, ...)
{
    char note[SCREEN];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note, sizeof note, format, arguments);
    va_end(arguments);
    if (progress && progress->shown)
        rewrite(progress, "");
    fprintf(stderr, "%s\n", format_clean(note));
    if (progress && *progress->line)
        rewrite(progress, progress->line);
}

void progress_clear(struct progress *progress)
{
    if (!progress)
        return;
    if (progress->shown)
        rewrite(progress, "");
    progress->line[0] = '\0';
    progress->written = 0;
}

void progress_close(struct progress *progress)
{
    progress_clear(progress);
    free(progress);
}
