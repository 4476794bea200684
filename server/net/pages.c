/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd with one thread that polls. A page is written into memory before the first byte of it leaves: so a reader
 * that stops reading holds that memory, sixteen times at most and ten seconds long, and nothing else.
 */
#include "server/net/pages.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

struct net_pages {
    struct net_pages_options options;
    struct MHD_Daemon *daemon;
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* ---- address ---------------------------------------------------------------------------------------------------- */

static bool read_port(const char *text, in_port_t *out) {
    char *end;
    long port = strtol(text, &end, 10);
    if (!*text || *end || port < 0 || port > 65535 || *text == '+' || *text == ' ') return false;
    *out = htons((in_port_t)port);
    return true;
}

/* "host:port" with a loopback address of either kind. */
static bool read_address(const char *text, union address *out) {
    char host[64];
    const char *colon = strrchr(text, ':');
    in_port_t port;
    if (!colon || (size_t)(colon - text) >= sizeof host || !read_port(colon + 1, &port)) return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    *out = (union address){.v4 = {.sin_family = AF_INET, .sin_port = port}};
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) return ntohl(out->v4.sin_addr.s_addr) >> 24 == 127;
    *out = (union address){.v6 = {.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
    return strcmp(host, "[::1]") == 0;
}

bool net_pages_address_is_local(const char *address) {
    union address ignored;
    return read_address(address, &ignored);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

/* Takes the body over; NULL body: no memory. */
static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type, char *body,
                               size_t len) {
    if (!body) return MHD_NO;
    struct MHD_Response *response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, MHD_HTTP_HEADER_X_CONTENT_TYPE_OPTIONS, "nosniff");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *why) {
    char *body = strdup(why);
    return respond(connection, status, "text/plain; charset=utf-8", body, body ? strlen(body) : 0);
}

static enum MHD_Result show(const struct net_pages *pages, struct MHD_Connection *connection, const struct net_page *page) {
    char *body = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&body, &len);
    if (!to) return MHD_NO;
    int status = page->write(pages->options.context, to);
    if (fclose(to) != 0) {
        free(body);
        return MHD_NO;
    }
    return respond(connection, (unsigned)status, page->type, body, len);
}

/* Called when a request's head has arrived: a body, if there is one, is not waited for. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state) {
    (void)version, (void)upload, (void)upload_size, (void)state;
    const struct net_pages *pages = context;
    const struct net_page *page = pages->options.pages;
    while (page->path && strcmp(page->path, url) != 0) page++;
    if (!page->path) return refuse(connection, MHD_HTTP_NOT_FOUND, "there is no such page\n");
    bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (!reads) return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "pages are read with GET\n");
    return show(pages, connection, page);
}

/* Paths are compared as they came: "%00" and "%2e" are no pages of ours. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text) {
    (void)context, (void)connection;
    return strlen(text);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

tagih_err net_pages_open(const struct net_pages_options *options, struct net_pages **out) {
    union address address;
    if (!read_address(options->address, &address)) return FAIL(NET_NOT_LOCAL);
    struct net_pages *pages = calloc(1, sizeof *pages);
    if (!pages) return FAIL(OUT_OF_MEMORY);
    pages->options = *options;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL;
    if (address.any.sa_family == AF_INET6) flags |= MHD_USE_IPv6;
    pages->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answer, pages, MHD_OPTION_SOCK_ADDR, &address.any,
                                     MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_CONNECTION_LIMIT,
                                     (unsigned)NET_PAGES_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                     (size_t)NET_PAGES_REQUEST_BYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                                     options->idle_s_max ? options->idle_s_max : 10u, MHD_OPTION_END);
    if (pages->daemon) {
        *out = pages;
        return TAGIH_OK;
    }
    free(pages);
    return FAIL(NET_LISTEN);
}

int net_pages_port(const struct net_pages *pages) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(pages->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void net_pages_close(struct net_pages *pages) {
    if (!pages) return;
    MHD_stop_daemon(pages->daemon);
    free(pages);
}
