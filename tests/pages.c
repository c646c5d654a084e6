/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pages.c - a process that accepts, and a process for each connection; all die with the test. */
#include "tests/pages.h"

#include "bench/ipc/memory.h"

#include <CUnit/CUnit.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct pages_seen {
    _Atomic unsigned asked, now, most;
};

static void note_more(struct pages_seen *seen)
{
    unsigned now = atomic_fetch_add(&seen->now, 1) + 1, most = atomic_load(&seen->most);
    atomic_fetch_add(&seen->asked, 1);
    while (most < now && !atomic_compare_exchange_weak(&seen->most, &most, now)) {
    }
}

static void send_all(int to, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(to, text, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text += sent;
        length -= (size_t)sent;
    }
}

static void send_page(int to, const char *status, const char *header, size_t bytes)
{
    static const char letters[1024] = "a page";
    char head[256];
    int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
                          status, bytes, header);
    send_all(to, head, (size_t)length);
    for (size_t left = bytes, part; left > 0; left -= part) {
        part = left < sizeof letters ? left : sizeof letters;
        send_all(to, letters, part);
    }
}

/* The request's path, without what stands around it; "" when there is none. */
static void read_path(int from, char *path, size_t size)
{
    char request[4096] = "";
    size_t length = 0;
    path[0] = '\0';
    while (!strstr(request, "\r\n\r\n") && length + 1 < sizeof request) {
        ssize_t got = read(from, request + length, sizeof request - length - 1);
        if (got <= 0)
            return;
        length += (size_t)got;
        request[length] = '\0';
    }
    if (strncmp(request, "GET ", 4) == 0)
        snprintf(path, size, "%.*s", (int)strcspn(request + 4, " "), request + 4);
}

static void answer(int socket, struct pages_seen *seen, unsigned delay_ms)
{
    char path[256];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    note_more(seen);
    read_path(socket, path, sizeof path);
    while (strcmp(path, "/hang") == 0)
        pause();
    usleep(delay_ms * 1000);
    /* Before the answer, after which the next one may ask. */
    atomic_fetch_sub(&seen->now, 1);
    if (strncmp(path, "/bytes/", 7) == 0)
        send_page(socket, "200 OK", "", strtoul(path + 7, NULL, 10));
    else if (strcmp(path, "/moved") == 0)
        send_page(socket, "302 Found", "Location: /bytes/10\r\n", 0);
    else
        send_page(socket, "404 Not Found", "", 9);
    _exit(0);
}

__attribute__((noreturn)) static void serve(int door, struct pages_seen *seen, unsigned delay_ms)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int socket = accept(door, NULL, NULL);
        if (socket >= 0 && fork() == 0)
            answer(socket, seen, delay_ms);
        close(socket);
    }
}

struct pages pages_open(unsigned delay_ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct pages pages = {.seen = memory_shared(sizeof *pages.seen)};
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(pages.seen && door >= 0);
    CU_ASSERT_EQUAL_FATAL(bind(door, (struct sockaddr *)&address, sizeof address), 0);
    CU_ASSERT_EQUAL_FATAL(listen(door, 64), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(door, (struct sockaddr *)&address, &size), 0);
    pages.port = ntohs(address.sin_port);
    pages.pid = fork();
    CU_ASSERT_FATAL(pages.pid >= 0);
    if (pages.pid == 0)
        serve(door, pages.seen, delay_ms);
    close(door);
    return pages;
}

void pages_close(struct pages *pages)
{
    kill(pages->pid, SIGKILL);
    waitpid(pages->pid, NULL, 0);
    memory_free(pages->seen, sizeof *pages->seen);
}

unsigned pages_asked(const struct pages *pages)
{
    return atomic_load(&pages->seen->asked);
}

unsigned pages_at_once(const struct pages *pages)
{
    return atomic_load(&pages->seen->most);
}
