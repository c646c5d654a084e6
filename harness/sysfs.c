/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sysfs.c - see sysfs.h. */
#include "harness/sysfs.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 512, LINE_SIZE = 8192 };

static char *trim(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    text[length] = '\0';
    return text + strspn(text, " \t");
}

static char *line_of(char *line, size_t size, const char *path)
{
    FILE *file = fopen(path, "re");
    char *got = NULL;
    if (!file)
        return NULL;
    if (fgets(line, (int)size, file))
        got = trim(line);
    fclose(file);
    if (!got || !*got)
        return NULL;
    memmove(line, got, strlen(got) + 1);
    return line;
}

char *sysfs_line(char *line, size_t size, const char *format, ...)
{
    char path[PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    return length < 0 || (size_t)length >= sizeof path ? NULL : line_of(line, size, path);
}

int64_t sysfs_number(const char *format, ...)
{
    char path[PATH_SIZE], line[64], *end;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof path || !line_of(line, sizeof line, path))
        return -1;
    long long number = strtoll(line, &end, 10);
    return end == line || number < 0 ? -1 : (int64_t)number;
}

/* What comes after `key` and its separator, or NULL when this line is another's. */
static char *value_of(char *line, const char *key)
{
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0)
        return NULL;
    char *at = line + length;
    at += strspn(at, " \t");
    if (*at != ':' && *at != '=')
        return NULL;
    at = trim(at + 1);
    length = strlen(at);
    if (length >= 2 && (*at == '"' || *at == '\'') && at[length - 1] == *at) {
        at[length - 1] = '\0';
        at++;
    }
    return at;
}

char *sysfs_value(char *value, size_t size, const char *path, const char *key)
{
    char line[LINE_SIZE], *found = NULL;
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    while (!found && fgets(line, sizeof line, file))
        found = value_of(line, key);
    fclose(file);
    if (!found || !*found)
        return NULL;
    snprintf(value, size, "%s", found);
    return value;
}

char *sysfs_chosen(char *line)
{
    char *open = line ? strchr(line, '[') : NULL, *close = open ? strchr(open, ']') : NULL;
    if (!close)
        return line;
    *close = '\0';
    memmove(line, open + 1, strlen(open + 1) + 1);
    return line;
}
