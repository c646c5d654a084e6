/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_terminal.c - the progress line and what is known of the terminal. stderr is a file here, in which the line's
 * whole history can be read. */
#include "harness/progress.h"
#include "harness/terminal.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void columns(void)
{
    static const struct {
        const char *text;
        unsigned columns;
    } cases[] = {{"100", 100}, {"1000", 240}, {"5", 40}, {"-1", 80}, {"0", 80}, {"", 80}, {"80x", 80}};
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("COLUMNS", cases[i].text, 1);
        CU_ASSERT_EQUAL(terminal_columns(fd), cases[i].columns);
    }
    unsetenv("COLUMNS");
    CU_ASSERT_EQUAL(terminal_columns(fd), 80);
    CU_ASSERT_FALSE(terminal_colour(fd));
    close(fd);
}

/* A terminal of our own: colours on it, unless it or the user does not want them. */
static void colours(void)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        frame_skip("no terminal can be had");
        return;
    }
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    CU_ASSERT_TRUE(terminal_colour(fd));
    setenv("NO_COLOR", "", 1);
    CU_ASSERT_TRUE(terminal_colour(fd));
    setenv("NO_COLOR", "1", 1);
    CU_ASSERT_FALSE(terminal_colour(fd));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    CU_ASSERT_FALSE(terminal_colour(fd));
    close(fd);
}

/* What `say` writes to stderr. */
static const char *history(void (*say)(void))
{
    static char text[1 << 16];
    const char *path = cli_file("stderr", "", 0);
    int held = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CLOEXEC);
    CU_ASSERT_FATAL(held >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    say();
    dup2(held, STDERR_FILENO);
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    close(held);
    close(fd);
    return text;
}

static void say_line(void)
{
    struct progress *progress = progress_open(PROGRESS_ALWAYS);
    progress_show(progress, 3, 6, "counter/a-strategy", 40.2);
    progress_note(progress, "muster: %s", "a note\nin a line");
    progress_clear(progress);
    progress_show(progress, 4, 6, "a name that is far too long for a line of forty columns", NAN);
    progress_close(progress);
}

static void line(void)
{
    setenv("COLUMNS", "40", 1);
    CU_ASSERT_STRING_EQUAL(history(say_line), "\rblock 3 of 6 · counter/a-strategy · 41 "
                                              "\r                                       \r"
                                              "muster: a note?in a line\n"
                                              "\rblock 3 of 6 · counter/a-strategy · 41 "
                                              "\r                                       \r"
                                              "\rblock 4 of 6 · a name that is far too l"
                                              "\r                                       \r");
}

static void say_often(void)
{
    struct progress *progress = progress_open(PROGRESS_ALWAYS);
    for (int i = 0; i < 1000; i++)
        progress_show(progress, 1, 1, "map", 7260);
    progress_close(progress);
}

static void seldom(void)
{
    const char *text = history(say_often);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "block 1 of 1 · map · 2 h 1 min left"));
    CU_ASSERT(cli_count(text, "block") < 500);
}

static void say_not(void)
{
    for (enum progress_mode mode = PROGRESS_AUTO; mode <= PROGRESS_NEVER; mode++) {
        struct progress *progress = mode == PROGRESS_ALWAYS ? NULL : progress_open(mode);
        progress_show(progress, 1, 1, "map", 1);
        progress_note(progress, "%s", progress_modes[mode]);
        progress_close(progress);
    }
}

static void never(void)
{
    CU_ASSERT_STRING_EQUAL(history(say_not), "auto\nalways\nnever\n");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "terminal: columns", .run = columns},
        {.name = "terminal: colours", .run = colours},
        {.name = "progress: the line", .run = line},
        {.name = "progress: not too often", .run = seldom},
        {.name = "progress: none where it is not wanted", .run = never},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
