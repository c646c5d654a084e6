/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cli.c - see cli.h. What the program says goes by way of files, since a full pipe would stop it. */
#include "tests/cli.h"

#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 32, TEXT = 1 << 20, PATHS = 8, PATH_SIZE = PATH_MAX + NAME_MAX };

static char *path_in(char path[PATH_SIZE], const char *name)
{
    snprintf(path, PATH_SIZE, "%s/%s", frame_folder(), name);
    return path;
}

const char *cli_path(const char *name)
{
    static char ring[PATHS][PATH_SIZE];
    static unsigned next;
    return path_in(ring[next++ % PATHS], name);
}

const char *cli_file(const char *name, const char *text, size_t length)
{
    const char *path = cli_path(name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, length, file), length);
    CU_ASSERT_EQUAL(fclose(file), 0);
    return path;
}

static const char *text_of(const char *path, char text[TEXT])
{
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, TEXT - 1, file) : 0;
    text[length] = '\0';
    if (file)
        fclose(file);
    return text;
}

static void become_muster(char **argv, const char *out, const char *err)
{
    int in_fd = open("/dev/null", O_RDONLY), out_fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600),
        err_fd = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (dup2(in_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 || dup2(err_fd, STDERR_FILENO) < 0)
        _exit(126);
    execv(frame_built("muster"), argv);
    _exit(127);
}

static struct said run(const char *into, const char *first, va_list rest)
{
    static char name[] = "muster", out[TEXT], err[TEXT];
    static char out_own[PATH_SIZE], err_path[PATH_SIZE];
    const char *out_path = into ? into : path_in(out_own, "stdout");
    char *argv[ARGUMENTS] = {name};
    int status = 0;
    for (unsigned i = 1; first && i + 1 < ARGUMENTS; i++) {
        argv[i] = (char *)first;
        first = va_arg(rest, const char *);
    }
    path_in(err_path, "stderr");
    pid_t pid = fork();
    if (pid == 0)
        become_muster(argv, out_path, err_path);
    CU_ASSERT_FATAL(pid > 0);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    return (struct said){
        .code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .out = into ? "" : text_of(out_path, out),
        .err = text_of(err_path, err),
    };
}

struct said cli_run(const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    struct said said = run(NULL, first, rest);
    va_end(rest);
    return said;
}

struct said cli_run_into(const char *path, const char *first, ...)
{
    va_list rest;
    va_start(rest, first);
    struct said said = run(path, first, rest);
    va_end(rest);
    return said;
}

void cli_refused(struct said said, int code, const char *text)
{
    CU_ASSERT_EQUAL(said.code, code);
    CU_ASSERT_EQUAL(strncmp(said.err, "muster: ", 8), 0);
    CU_ASSERT_EQUAL(cli_count(said.err, "\n"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, text));
    if (said.code != code || !strstr(said.err, text))
        fprintf(stderr, "ended with %d, not %d, and said: %s, without '%s'\n", said.code, code, said.err, text);
}

void cli_fine(struct said said)
{
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_STRING_EQUAL(said.err, "");
}

size_t cli_width(const char *text)
{
    size_t most = 0, width = 0;
    for (; *text; text++) {
        width = *text == '\n' ? 0 : width + (((unsigned char)*text & 0xc0) != 0x80);
        most = width > most ? width : most;
    }
    return most;
}

unsigned cli_count(const char *text, const char *part)
{
    unsigned count = 0;
    while ((text = strstr(text, part))) {
        count++;
        text += strlen(part);
    }
    return count;
}

bool cli_says(struct said said, const char *text)
{
    bool found = strstr(said.out, text) != NULL;
    if (!found)
        fprintf(stderr, "\"%s\" is not in:\n%s", text, said.out);
    return found;
}

/* Lines of a table may be cut, sentences wrapped: what is looked for is short. */
void cli_verdict(struct said said, int code, const char *verdict)
{
    char line[160];
    snprintf(line, sizeof line, "\nVERDICT %s ", verdict);
    CU_ASSERT_EQUAL(said.code, code);
    CU_ASSERT_TRUE(cli_says(said, line));
    char *last = strdup(said.out), *at = last ? strstr(last, line) : NULL;
    if (at)
        at[1] = '\0'; /* the last line is for scripts, and as long as it is */
    CU_ASSERT(cli_width(last) <= 80);
    free(last);
}
