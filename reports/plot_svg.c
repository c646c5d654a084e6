/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plot_svg.c - gnuplot's SVG made fit for the inside of a page, and the palette both share.
 *
 * gnuplot numbers its symbols the same in every file and writes fixed colours. Inside one page the ids must differ and
 * the colours must follow the page, so the text is copied with three changes: ids get the picture's name, each colour
 * of the palette becomes a variable of the page's style sheet, and titles, filters and empty groups, which only
 * weigh, are left out. The scanner knows gnuplot's own output only; other text passes through unchanged. */
#include "reports/plot.h"

#include "reports/html_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Okabe and Ito's colours, which stay apart in the common colour blindnesses; the first is the control's. */
static const char *const colours[PLOT_SERIES] = {
    "#5f5f5f", "#0072b2", "#d55e00", "#009e73", "#b5609a", "#a87f00", "#56b4e9",
};

/* Filled circle, square, triangle, diamond, triangle downwards, pentagon; the first is a cross. */
static const int markers[PLOT_SERIES] = {2, 7, 5, 9, 13, 11, 15};

const char *plot_colour(size_t i)
{
    return colours[i % PLOT_SERIES];
}

int plot_marker(size_t i)
{
    return markers[(i + i / PLOT_SERIES) % PLOT_SERIES];
}

size_t plot_series(const struct results *r, const char *strategy)
{
    size_t series = 1;

    for (size_t i = 0; i < r->strategy_count; i++) {
        if (strcmp(r->strategies[i].name, strategy) == 0)
            return r->strategies[i].role == ROLE_CONTROL ? 0 : series;
        series += r->strategies[i].role == ROLE_STRATEGY;
    }
    return series;
}

void plot_quote(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("''", script);
        else if ((unsigned char)*text < ' ' || *text == '`' || *text == '@')
            fputc(' ', script);
        else
            fputc(*text, script);
    }
    fputc('\'', script);
}

static void write_colour(FILE *out, unsigned long rgb)
{
    static const struct {
        unsigned long rgb;
        const char *variable;
    } named[] = {
        {0x000000, "currentColor"}, {0xffffff, "none"},         {0x7f7f7f, "var(--axis)"},
        {0xd0d0d0, "var(--rule)"},  {0x606060, "var(--quiet)"},
    };

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (named[i].rgb == rgb) {
            fputs(named[i].variable, out);
            return;
        }
    for (size_t i = 0; i < PLOT_SERIES; i++)
        if (strtoul(colours[i] + 1, NULL, 16) == rgb) {
            fprintf(out, "var(--s%zu)", i);
            return;
        }
    fprintf(out, "#%06lx", rgb);
}

/* If a colour begins at `at`, writes it and returns what follows; NULL otherwise. */
static const char *copy_colour(FILE *out, const char *at)
{
    unsigned red, green, blue;
    int length = 0;

    if (strncmp(at, "rgb(", 4) == 0 && sscanf(at, "rgb(%3u,%3u,%3u)%n", &red, &green, &blue, &length) == 3 && length) {
        write_colour(out, (unsigned long)red << 16 | (unsigned long)green << 8 | blue);
        return at + length;
    }
    if (*at == '#' && strspn(at + 1, "0123456789abcdefABCDEF") == 6 && (at[7] == '"' || at[7] == '\'')) {
        write_colour(out, strtoul(at + 1, NULL, 16));
        return at + 7;
    }
    if (strncmp(at, "black", 5) == 0 && (at[5] == '"' || at[5] == '\'')) {
        write_colour(out, 0);
        return at + 5;
    }
    return NULL;
}

static const char *after(const char *at, const char *end)
{
    const char *found = strstr(at, end);

    return found ? found + strlen(end) : at + strlen(at);
}

/* If something that a page does not need begins at `at`, returns what follows it; NULL otherwise. */
static const char *skip_ballast(const char *at)
{
    static const struct {
        const char *begin, *end;
    } ballast[] = {
        {"<title>", "</title>"},
        {"<desc>", "</desc>"},
        {"<filter ", "</filter>"},
        {" id=\"", "\""},
    };
    const char *inside;

    for (size_t i = 0; i < sizeof(ballast) / sizeof(ballast[0]); i++)
        if (strncmp(at, ballast[i].begin, strlen(ballast[i].begin)) == 0)
            return after(at + strlen(ballast[i].begin), ballast[i].end);
    if (strncmp(at, "<g ", 3) != 0)
        return NULL;
    inside = after(at, ">");
    inside += strspn(inside, " \t\r\n");
    return strncmp(inside, "</g>", 4) == 0 ? inside + 4 : NULL;
}

/* Copies one piece of a tag or of what stands between two, and returns what follows. */
static const char *copy_piece(FILE *out, const char *at, const char *name, const char *previous)
{
    const char *next = skip_ballast(at);

    if (next)
        return next;
    if (strncmp(at, "id='", 4) == 0) {
        fprintf(out, "id='%s-", name);
        return at + 4;
    }
    if (strncmp(at, "xlink:href='#", 13) == 0) {
        fprintf(out, "href='#%s-", name);
        return at + 13;
    }
    next = previous && (*previous == '"' || *previous == '\'') ? copy_colour(out, at) : NULL;
    if (next)
        return next;
    if (!isspace((unsigned char)*at) || !previous || !isspace((unsigned char)*previous))
        fputc(*at, out);
    return at + 1;
}

void plot_write_inline(FILE *out, const struct picture *picture, const char *description)
{
    const char *box = strstr(picture->svg, "viewBox=\""), *at = box ? after(box, "xlink\"") : NULL, *previous = NULL;
    const char *end = picture->svg + strlen(picture->svg);

    if (!at)
        return;
    at = after(at, ">");
    fprintf(out, "<svg role=\"img\" %.*s\" aria-label=\"", (int)strcspn(box + 9, "\"") + 9, box);
    html_text(out, description);
    fputs("\">", out);
    while (at < end) {
        const char *piece = at;

        at = copy_piece(out, at, picture->name, previous);
        previous = at > piece ? at - 1 : previous;
    }
}
