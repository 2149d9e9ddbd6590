/* load: asks an HTTP server on 127.0.0.1 for the same things again and again, and tells how long each answer took.
 *
 *     load PORT CONNECTIONS keep|new COUNT SECONDS REQUESTS
 *
 * REQUESTS is a file of request heads, separated by a NUL each, sent in turn. It ends after COUNT answers or SECONDS,
 * whichever comes first, and prints one JSON object; microseconds count from the first byte sent (or from connect,
 * where each request has a connection of its own) to the last byte received. An answer that is not 200 is an error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 17, MOST_CONNECTIONS = 1024 };

struct connection {
    int fd;
    double asked_at;
    size_t held, whole; /* bytes received of the answer in hand, and how many it has (0: not known yet) */
    char *answer;
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static char *requests[65536];
static size_t lengths[65536], request_count, next_request;
static float *latencies;
static long wanted, asked, answered, errors;
static int renew;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void read_requests(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about))
        die(path);
    char *text = malloc(about.st_size + 1), *end = text + fread(text, 1, about.st_size, file);
    *end = 0;
    for (char *at = text; at < end && request_count < 65536; at += lengths[request_count++] + 1) {
        requests[request_count] = at;
        lengths[request_count] = strlen(at);
    }
    fclose(file);
}

static void dial(struct connection *one)
{
    int yes = 1;
    one->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (one->fd < 0 || connect(one->fd, (struct sockaddr *)&server, sizeof server))
        die("connect");
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static void ask(struct connection *one)
{
    size_t which = next_request++ % request_count;
    one->held = one->whole = 0;
    one->asked_at = now();
    if (renew)
        dial(one);
    if (send(one->fd, requests[which], lengths[which], 0) != (ssize_t)lengths[which])
        die("send");
    asked++;
}

/* Reads once; tells whether the answer is whole. */
static int hear(struct connection *one)
{
    ssize_t got = recv(one->fd, one->answer + one->held, ROOM - one->held - 1, 0);
    if (got <= 0)
        die("recv");
    one->held += got;
    one->answer[one->held] = 0;
    if (!one->whole) {
        char *end = strstr(one->answer, "\r\n\r\n"), *length = strcasestr(one->answer, "\r\ncontent-length:");
        if (!end)
            return 0;
        if (!length || length > end || memcmp(one->answer + 9, "200", 3))
            errors++;
        one->whole = end + 4 - one->answer + (length ? strtoul(length + 17, 0, 10) : 0);
    }
    return one->held >= one->whole;
}

static void note(struct connection *one)
{
    latencies[answered++] = (now() - one->asked_at) * 1e6;
    if (renew)
        close(one->fd);
}

static void run_one(struct connection *one, double end)
{
    while (asked < wanted && now() < end) {
        ask(one);
        while (!hear(one))
            ;
        note(one);
    }
}

static void run_many(struct connection *all, int count, double end)
{
    struct epoll_event events[64];
    int poll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        ask(&all[i]);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
    }
    while (answered < asked) {
        int ready = epoll_wait(poll, events, 64, 1000);
        for (int i = 0; i < ready; i++) {
            struct connection *one = events[i].data.ptr;
            if (!hear(one))
                continue;
            note(one);
            if (asked >= wanted || now() >= end)
                continue;
            ask(one);
            struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
            if (renew)
                epoll_ctl(poll, EPOLL_CTL_ADD, one->fd, &event);
        }
    }
}

static int by_size(const void *one, const void *other)
{
    float a = *(const float *)one, b = *(const float *)other;
    return (a > b) - (a < b);
}

static double part(double share)
{
    return latencies[(long)(share * (answered - 1))];
}

int main(int count, char **given)
{
    if (count != 7)
        return fprintf(stderr, "usage: load PORT CONNECTIONS keep|new COUNT SECONDS REQUESTS\n"), 2;
    static struct connection all[MOST_CONNECTIONS];
    int connections = atoi(given[2]);
    server.sin_port = htons(atoi(given[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    renew = !strcmp(given[3], "new");
    wanted = atol(given[4]);
    latencies = malloc((wanted + MOST_CONNECTIONS) * sizeof *latencies);
    read_requests(given[6]);
    for (int i = 0; i < connections; i++) {
        all[i].answer = malloc(ROOM);
        if (!renew)
            dial(&all[i]);
    }
    double begun = now(), end = begun + atof(given[5]);
    if (connections == 1)
        run_one(all, end);
    else
        run_many(all, connections, end);
    double seconds = now() - begun;
    qsort(latencies, answered, sizeof *latencies, by_size);
    printf("{\"count\": %ld, \"errors\": %ld, \"seconds\": %.6f, \"p50_us\": %.2f, \"p90_us\": %.2f, \"p99_us\": %.2f, "
           "\"max_us\": %.2f}\n", answered, errors, seconds, part(.5), part(.9), part(.99), part(1));
    return 0;
}
