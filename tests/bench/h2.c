/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 9113 and RFC 7541 as far as a closed loop of unary calls needs them. Header blocks are literals without
 * indexing; with a table of size 0 the peer's are, too, so grpc-status can be found in the bytes as they are (in plain
 * or, from nginx, in Huffman form).
 */
#include "tests/bench/h2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_HEAD 9
#define FRAME_MAX 16384
#define IN_SIZE (1 << 18)
#define SLOTS 256 /* by stream number; more than ever are in flight, so that they rarely collide */
#define WINDOW_WANTED (1 << 30)

enum frame { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 32 };

struct buffer {
    uint8_t *data;
    size_t len, size;
};

struct slot {
    uint32_t stream; /* 0: free */
    uint32_t tag;
    struct buffer body;
};

struct h2 {
    int fd, epoll_fd;
    SSL *ssl;
    bool secured, settled, lost, wants_write;
    uint32_t next_stream, stream_window;
    int64_t window; /* what we may still send */
    int64_t taken;  /* received since the last window update */
    int in_flight;
    struct buffer out;
    size_t out_sent;
    uint8_t in[IN_SIZE];
    size_t in_len;
    struct slot slots[SLOTS];
    h2_answer_fn answer;
    void *context;
};

static void put(struct buffer *to, const void *data, size_t len) {
    if (to->len + len > to->size) {
        to->size = (to->len + len) * 2;
        to->data = realloc(to->data, to->size);
        if (!to->data) abort();
    }
    if (len) memcpy(to->data + to->len, data, len);
    to->len += len;
}

static void put_frame(struct buffer *to, enum frame type, int flags, uint32_t stream, const void *data, size_t len) {
    uint8_t head[FRAME_HEAD] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)type, (uint8_t)flags,
                                (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
    put(to, head, sizeof head);
    put(to, data, len);
}

static uint32_t be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_window(struct h2 *h2, uint32_t more) {
    uint8_t body[4] = {(uint8_t)(more >> 24), (uint8_t)(more >> 16), (uint8_t)(more >> 8), (uint8_t)more};
    put_frame(&h2->out, WINDOW_UPDATE, 0, 0, body, sizeof body);
}

/* ---- header blocks -------------------------------------------------------------------------------------------- */

/* A string without Huffman: its length with a 7-bit prefix, then itself. */
static uint8_t *put_string(uint8_t *at, const char *text, size_t len) {
    if (len < 127) {
        *at++ = (uint8_t)len;
    } else {
        size_t rest = len - 127;
        *at++ = 127;
        for (; rest >= 128; rest >>= 7) *at++ = (uint8_t)(rest | 128);
        *at++ = (uint8_t)rest;
    }
    memcpy(at, text, len);
    return at + len;
}

static uint8_t *put_pair(uint8_t *at, const char *name, const char *value) {
    *at++ = 0; /* literal, not indexed, new name */
    at = put_string(at, name, strlen(name));
    return put_string(at, value, strlen(value));
}

size_t h2_headers(const char *path, const char *bearer, uint8_t out[H2_HEADERS_MAX]) {
    uint8_t *at = out;
    char authorization[700];
    snprintf(authorization, sizeof authorization, "Bearer %s", bearer);
    if (strlen(path) + strlen(authorization) + 160 > H2_HEADERS_MAX) abort();
    *at++ = 0x83; /* :method POST */
    *at++ = 0x87; /* :scheme https */
    *at++ = 0x04; /* :path, literal */
    at = put_string(at, path, strlen(path));
    *at++ = 0x01; /* :authority, literal */
    at = put_string(at, "localhost", 9);
    at = put_pair(at, "te", "trailers");
    at = put_pair(at, "content-type", "application/grpc");
    at = put_pair(at, "grpc-timeout", "10S");
    if (*bearer) at = put_pair(at, "authorization", authorization);
    return (size_t)(at - out);
}

static bool is_status_ok(const uint8_t *block, size_t len) {
    static const char plain[] = "\x0bgrpc-status\x01" "0", huffman[] = "\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x01" "0";
    return memmem(block, len, plain, sizeof plain - 1) || memmem(block, len, huffman, sizeof huffman - 1);
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

SSL_CTX *h2_tls(const char *ca_path) {
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    static const unsigned char alpn[] = "\x02h2";
    if (!tls || SSL_CTX_load_verify_locations(tls, ca_path, NULL) != 1 ||
        SSL_CTX_set_alpn_protos(tls, alpn, sizeof alpn - 1) != 0) {
        fprintf(stderr, "cannot use the CA %s\n", ca_path);
        exit(1);
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return tls;
}

static int connect_to(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0) return -1;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void greet(struct h2 *h2) {
    static const uint8_t settings[] = {0, 1, 0, 0, 0, 0,          /* HEADER_TABLE_SIZE 0 */
                                       0, 2, 0, 0, 0, 0,          /* ENABLE_PUSH 0 */
                                       0, 4, 0x40, 0, 0, 0};      /* INITIAL_WINDOW_SIZE 2^30 */
    put(&h2->out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    put_frame(&h2->out, SETTINGS, 0, 0, settings, sizeof settings);
    put_window(h2, WINDOW_WANTED);
}

struct h2 *h2_open(SSL_CTX *tls, int port, int epoll_fd, h2_answer_fn answer, void *context) {
    int fd = connect_to(port);
    if (fd < 0) return NULL;
    struct h2 *h2 = calloc(1, sizeof *h2);
    if (!h2) abort();
    h2->fd = fd;
    h2->epoll_fd = epoll_fd;
    h2->next_stream = 1;
    h2->window = h2->stream_window = 65535;
    h2->answer = answer;
    h2->context = context;
    h2->ssl = SSL_new(tls);
    SSL_set_fd(h2->ssl, fd);
    SSL_set_connect_state(h2->ssl);
    SSL_set_tlsext_host_name(h2->ssl, "localhost");
    SSL_set1_host(h2->ssl, "localhost");
    greet(h2);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = h2});
    h2_flush(h2);
    return h2;
}

void h2_close(struct h2 *h2) {
    if (!h2) return;
    epoll_ctl(h2->epoll_fd, EPOLL_CTL_DEL, h2->fd, NULL);
    SSL_free(h2->ssl);
    close(h2->fd);
    for (int i = 0; i < SLOTS; i++) free(h2->slots[i].body.data);
    free(h2->out.data);
    free(h2);
}

bool h2_is_ready(const struct h2 *h2) {
    return h2->settled && !h2->lost;
}

bool h2_is_lost(const struct h2 *h2) {
    return h2->lost;
}

int h2_in_flight(const struct h2 *h2) {
    return h2->in_flight;
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static struct slot *slot_of(struct h2 *h2, uint32_t stream) {
    return &h2->slots[stream / 2 % SLOTS];
}

bool h2_call(struct h2 *h2, struct bytes headers, struct bytes message, uint32_t tag) {
    size_t len = message.len + 5;
    if (!h2_is_ready(h2) || h2->in_flight >= H2_CALLS_MAX || (int64_t)len > h2->window || len > h2->stream_window) return false;
    while (slot_of(h2, h2->next_stream)->stream) h2->next_stream += 2;
    struct slot *slot = slot_of(h2, h2->next_stream);
    slot->stream = h2->next_stream;
    slot->tag = tag;
    slot->body.len = 0;
    h2->next_stream += 2;
    h2->in_flight++;
    h2->window -= (int64_t)len;
    put_frame(&h2->out, HEADERS, END_HEADERS, slot->stream, headers.data, headers.len);
    const uint8_t prefix[5] = {0, (uint8_t)(message.len >> 24), (uint8_t)(message.len >> 16), (uint8_t)(message.len >> 8),
                               (uint8_t)message.len};
    if (len <= FRAME_MAX) {
        put_frame(&h2->out, DATA, END_STREAM, slot->stream, prefix, 5);
        h2->out.data[h2->out.len - 5 - FRAME_HEAD + 1] = (uint8_t)(len >> 8);
        h2->out.data[h2->out.len - 5 - FRAME_HEAD + 2] = (uint8_t)len;
        put(&h2->out, message.data, message.len);
        return true;
    }
    put_frame(&h2->out, DATA, 0, slot->stream, prefix, 5);
    for (size_t at = 0; at < message.len; at += FRAME_MAX) {
        size_t n = message.len - at < FRAME_MAX ? message.len - at : FRAME_MAX;
        put_frame(&h2->out, DATA, at + n == message.len ? END_STREAM : 0, slot->stream, message.data + at, n);
    }
    return true;
}

static void watch_writes(struct h2 *h2, bool on) {
    if (h2->wants_write == on) return;
    h2->wants_write = on;
    struct epoll_event event = {.events = on ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = h2};
    epoll_ctl(h2->epoll_fd, EPOLL_CTL_MOD, h2->fd, &event);
}

/* True: it only has to wait for the socket. */
static bool must_wait(struct h2 *h2, int result) {
    int error = SSL_get_error(h2->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
    h2->lost = true;
    ERR_clear_error();
    return false;
}

void h2_flush(struct h2 *h2) {
    while (h2->out_sent < h2->out.len && !h2->lost) {
        size_t left = h2->out.len - h2->out_sent;
        int sent = SSL_write(h2->ssl, h2->out.data + h2->out_sent, left > INT32_MAX ? INT32_MAX : (int)left);
        if (sent <= 0) {
            bool write = SSL_get_error(h2->ssl, sent) == SSL_ERROR_WANT_WRITE;
            if (must_wait(h2, sent)) watch_writes(h2, write);
            return;
        }
        h2->out_sent += (size_t)sent;
    }
    h2->out.len = h2->out_sent = 0;
    watch_writes(h2, false);
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void end_call(struct h2 *h2, struct slot *slot, bool ok, struct bytes trailers) {
    bool whole = slot->body.len >= 5 && be32(slot->body.data + 1) == slot->body.len - 5 && slot->body.data[0] == 0;
    struct bytes body = whole ? bytes_make(slot->body.data + 5, slot->body.len - 5) : trailers;
    slot->stream = 0;
    h2->in_flight--;
    h2->answer(h2->context, slot->tag, ok && whole, ok && whole ? body : trailers);
}

static void take_data(struct h2 *h2, struct slot *slot, int flags, const uint8_t *data, size_t len) {
    h2->taken += (int64_t)len;
    if (h2->taken > WINDOW_WANTED / 2) {
        put_window(h2, (uint32_t)h2->taken);
        h2->taken = 0;
    }
    if (flags & PADDED) h2->lost = true;
    put(&slot->body, data, len);
    if (flags & END_STREAM) end_call(h2, slot, false, bytes_make(NULL, 0));
}

static void take_settings(struct h2 *h2, int flags, const uint8_t *data, size_t len) {
    if (flags & ACK) return;
    for (size_t at = 0; at + 6 <= len; at += 6) {
        uint32_t value = be32(data + at + 2);
        if (data[at] == 0 && data[at + 1] == 4) h2->stream_window = value;
    }
    put_frame(&h2->out, SETTINGS, ACK, 0, NULL, 0);
    h2->settled = true;
}

static void take_frame(struct h2 *h2, int type, int flags, uint32_t stream, const uint8_t *data, size_t len) {
    struct slot *slot = slot_of(h2, stream);
    bool known = stream && slot->stream == stream;
    switch (type) {
    case DATA:
        if (known) take_data(h2, slot, flags, data, len);
        break;
    case HEADERS:
        if (!(flags & END_HEADERS) || flags & (PADDED | PRIORITY)) h2->lost = true;
        else if (known && flags & END_STREAM) end_call(h2, slot, is_status_ok(data, len), bytes_make(data, len));
        break;
    case RST_STREAM:
        if (known) end_call(h2, slot, false, bytes_make(data, len));
        break;
    case SETTINGS:
        take_settings(h2, flags, data, len);
        break;
    case PING:
        if (!(flags & ACK)) put_frame(&h2->out, PING, ACK, 0, data, len);
        break;
    case WINDOW_UPDATE:
        if (stream == 0 && len == 4) h2->window += be32(data) & INT32_MAX;
        break;
    case GOAWAY:
    default:
        h2->lost = true;
    }
}

static void take_frames(struct h2 *h2) {
    size_t at = 0;
    while (h2->in_len - at >= FRAME_HEAD && !h2->lost) {
        const uint8_t *head = h2->in + at;
        size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (len > FRAME_MAX) h2->lost = true;
        if (h2->in_len - at < FRAME_HEAD + len) break;
        take_frame(h2, head[3], head[4], be32(head + 5) & INT32_MAX, head + FRAME_HEAD, len);
        at += FRAME_HEAD + len;
    }
    memmove(h2->in, h2->in + at, h2->in_len - at);
    h2->in_len -= at;
}

void h2_step(struct h2 *h2) {
    for (;;) {
        int got = SSL_read(h2->ssl, h2->in + h2->in_len, (int)(IN_SIZE - h2->in_len));
        if (got <= 0) {
            must_wait(h2, got);
            break;
        }
        h2->in_len += (size_t)got;
        take_frames(h2);
        if (h2->lost) break;
    }
    if (!h2->lost) h2_flush(h2);
}
