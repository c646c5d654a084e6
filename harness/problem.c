/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * problem.c - filling and printing a struct problem.
 *
 * The text may quote what a person typed or a file's name. Control characters in it are shown as '?', so that one
 * problem is one line whatever was typed. */
#include "harness/problem.h"

#include <stdarg.h>
#include <stdio.h>

int problem_set(struct problem *problem, int code, const char *format, ...)
{
    va_list arguments;

    problem->code = code;
    va_start(arguments, format);
    if (vsnprintf(problem->text, sizeof problem->text, format, arguments) < 0)
        problem->text[0] = '\0';
    va_end(arguments);
    for (char *c = problem->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return -1;
}

int problem_print(const struct problem *problem)
{
    fprintf(stderr, "muster: %s\n", problem->text);
    return problem->code;
}
