/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_introductions.c - the examples of tests/introductions/ on every strategy that carries what they use: each must
 * print what its .expected file says.
 *
 * Where the order of lines is free they are sorted first. The pages of downloads come from a small server here. */
#include "tests/frame.h"
#include "tests/rows.h"
#include "tests/web.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT       4096
#define TESTS_MOST 256

static const struct example {
    struct row row;  /* its name, and what it uses */
    const char *own; /* the strategy that it takes by itself; NULL: none */
    bool any_order;  /* of its lines */
    bool pages;      /* its second argument is a file of addresses */
} examples[] = {
    {.row = {.name = "hello_processes", .uses = USES_PROCESS}, .any_order = true},
    {.row = {.name = "shared_list", .uses = USES_PROCESS | USES(NEED_LIST)}, .own = "manager-socket"},
    {.row = {.name = "pool_squares", .uses = USES(NEED_MAP)}, .own = "prefork-pipe"},
    {.row = {.name = "pool_squares_gap", .uses = USES(NEED_MAP) | USES(NEED_ASYNC)}, .own = "prefork-pipe"},
    {.row = {.name = "value_array", .uses = USES_PROCESS | USES(NEED_ARRAY)}, .own = "shared-memory"},
    {.row = {.name = "manager_objects", .uses = USES_PROCESS | USES(NEED_ARRAY) | USES(NEED_LIST)},
     .own = "manager-socket"},
    {.row = {.name = "downloads", .uses = USES(NEED_MAP)}, .own = "prefork-pipe", .pages = true},
};
#define EXAMPLES (sizeof examples / sizeof *examples)

static struct entry {
    char name[128];
    const struct example *example;
    const struct strategy *strategy; /* NULL: the example's own */
} entries[TESTS_MOST];
static struct test tests[TESTS_MOST + 1];
static size_t count;

/* Reads a file whole; every %PORT% becomes the server's. */
static void read_text(const char *path, unsigned port, char text[TEXT])
{
    static const char mark[] = "%PORT%";
    char raw[TEXT];
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(raw, 1, sizeof raw - 1, file) : 0, at = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fclose(file);
    raw[length] = '\0';
    for (const char *from = raw; *from && at + 8 < TEXT;)
        if (strncmp(from, mark, strlen(mark)) == 0) {
            at += (size_t)snprintf(text + at, TEXT - at, "%u", port);
            from += strlen(mark);
        } else {
            text[at++] = *from++;
        }
    text[at] = '\0';
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(char text[TEXT])
{
    char copy[TEXT], *lines[TEXT / 2], *rest = NULL;
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        lines[n++] = line;
    qsort(lines, n, sizeof *lines, by_text);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        strcat(text, lines[i]);
        strcat(text, "\n");
    }
}

/* What the example prints, and its exit code. */
static int run_example(const struct entry *e, const char *pages, const char *said)
{
    char path[64];
    int status = -1;
    snprintf(path, sizeof path, "tests/introductions/%s", e->example->row.name);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int to = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (to >= 0 && dup2(to, STDOUT_FILENO) >= 0)
            execl(frame_built(path), path,
                  e->strategy ? e->strategy->name
                  : pages     ? "prefork-pipe"
                              : NULL,
                  pages, NULL);
        _exit(127);
    }
    CU_ASSERT_FATAL(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

static void run_entry(void)
{
    const struct entry *e = entries;
    char path[64], wanted[TEXT], found[TEXT], said[300], pages[300] = "";
    unsigned port = 0;
    while (strcmp(e->name, CU_get_current_test()->pName) != 0)
        e++;
    struct web *web = e->example->pages ? web_open(&port) : NULL;
    snprintf(said, sizeof said, "%s/said", frame_folder());
    if (web) {
        snprintf(pages, sizeof pages, "%s/pages", frame_folder());
        read_text(frame_source("tests/introductions/downloads.txt"), port, found);
        FILE *file = fopen(pages, "we");
        CU_ASSERT_FATAL(file && fputs(found, file) >= 0 && fclose(file) == 0);
    }
    int status = run_example(e, web ? pages : NULL, said);
    snprintf(path, sizeof path, "tests/introductions/%s.expected", e->example->row.name);
    read_text(frame_source(path), port, wanted);
    read_text(said, 0, found);
    if (e->example->any_order)
        sort_lines(found);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_STRING_EQUAL(found, wanted);
    if (strcmp(found, wanted) != 0)
        fprintf(stderr, "--- wanted\n%s--- found\n%s", wanted, found);
    web_close(web);
}

static void enter(const struct example *example, const struct strategy *s)
{
    struct entry *e = &entries[count];
    if (count == TESTS_MOST)
        abort();
    *e = (struct entry){.example = example, .strategy = s};
    snprintf(e->name, sizeof e->name, "introductions: %s, %s", example->row.name, s ? s->name : "as it is");
    tests[count++] = (struct test){.name = e->name, .run = run_entry};
}

/* Without curl there is nothing to be seen of downloads. */
static bool can_download(void)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
            execlp("curl", "curl", "--version", (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
    char text[200];
    for (size_t i = 0; i < EXAMPLES; i++) {
        const struct example *example = &examples[i];
        if (example->pages && !can_download()) {
            printf("n/a  introductions: %s: curl is not here\n", example->row.name);
            continue;
        }
        if (!example->own || !row_lacks(&example->row, strategy_find(example->own), 0, text, sizeof text))
            enter(example, NULL);
        for (const struct strategy *const *s = strategies; *s; s++) {
            if ((*s)->role == ROLE_LIMITS)
                continue;
            const char *lacks = row_lacks(&example->row, *s, 0, text, sizeof text);
            if (lacks)
                printf("n/a  introductions: %s, %s: %s\n", example->row.name, (*s)->name, lacks);
            else
                enter(example, *s);
        }
    }
    fflush(stdout);
    return frame_main(argc, argv, tests);
}
