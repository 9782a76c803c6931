/* Logs of a small web shop: access lines of its front ends, messages of its services, telemetry in JSON.
 *
 * Everything is in tables of weighted phrases; "$x" in a phrase stands for what expand() does with 'x'.
 * Requests overlap in time: a line belongs to a new request or to one of the last, whose ids it repeats.
 */
#include "synth.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include "base/rng.h"

/* ---- tables ---- */

struct phrase {
    int weight;
    const char *text;
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct phrase line_kinds[] = {
    {34, "$i - $a [$A] \"GET $G HTTP/1.1\" $S $b \"$f\" \"$U\" rt=$d\n"},
    {10, "$i - $a [$A] \"$W HTTP/1.1\" $C $b \"$f\" \"$U\" rt=$d\n"},
    {2, "10.12.0.$1 - - [$A] \"GET /healthz HTTP/1.1\" 200 2 \"-\" \"kube-probe/1.29\" rt=0.000\n"},
    {34, "$T $h $s[$p]: $M\n"},
    {7, "{\"ts\":\"$T\",\"host\":\"$h\",\"service\":\"$s\",\"event\":\"span\",\"op\":\"$R\",\"ms\":$m,\"ok\":"
        "$B,\"trace\":\"$r\"}\n"},
    {7, "{\"ts\":\"$T\",\"host\":\"$h\",\"service\":\"$s\",\"event\":\"runtime\",\"cpu\":0.$2,\"heap_mb\":$g,"
        "\"threads\":$n,"
        "\"gc_us\":$b}\n"},
    {6, "{\"ts\":\"$T\",\"host\":\"$h\",\"service\":\"$s\",\"event\":\"queue\",\"topic\":\"$q\",\"depth\":$n,"
        "\"lag_ms\":$m,"
        "\"offset\":$O}\n"},
};

static const struct phrase reads[] = {
    {20, "/api/v2/products/$k"},
    {14, "/api/v2/search?q=$w&page=$1"},
    {12, "/api/v2/orders/$o"},
    {8, "/static/img/$k-$z.webp"},
    {5, "/api/v2/customers/$c/recommendations?limit=$1"},
    {4, "/api/v2/products/$k/reviews?sort=$v"},
    {1, "/metrics"},
    {1, "/wp-login.php"},
};
static const struct phrase writes[] = {
    {9, "POST /api/v2/cart/$c/items"},      {6, "POST /api/v2/sessions"},
    {5, "PUT /api/v2/orders/$o/address"},   {4, "POST /api/v2/payments/$u/capture"},
    {3, "DELETE /api/v2/cart/$c/items/$k"},
};
static const struct phrase read_statuses[] = {
    {860, "200"}, {70, "304"}, {12, "401"}, {36, "404"}, {8, "429"}, {5, "500"}, {5, "502"}, {4, "503"},
};
static const struct phrase write_statuses[] = {
    {560, "200"}, {300, "201"}, {90, "204"}, {20, "400"}, {14, "401"}, {8, "409"}, {4, "500"}, {4, "503"},
};

static const struct phrase operations[] = {
    {9, "db.query"},  {7, "cache.get"},     {4, "http.call"},
    {2, "cache.set"}, {2, "queue.publish"}, {1, "db.commit"},
};
static const struct phrase truths[] = {{97, "true"}, {3, "false"}};

static const struct phrase agents[] = {
    {22, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148"},
    {18, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Firefox/128.0"},
    {14, "okhttp/4.12.0"},
    {12, "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0.0.0 Mobile"},
    {9, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15"},
    {7, "shop-app/5.8.1 (ios)"},
    {4, "python-requests/2.32.3"},
    {3, "Googlebot/2.1 (+http://www.google.com/bot.html)"},
    {2, "curl/8.5.0"},
};

static const struct phrase words[] = {
    {12, "shoes"},    {11, "running+shoes"}, {9, "lamp"},
    {8, "desk+lamp"}, {7, "usb+cable"},      {6, "backpack"},
    {5, "coffee"},    {5, "coffee+grinder"}, {4, "bike+helmet"},
    {4, "tent"},      {3, "umbrella"},       {3, "notebook"},
    {2, "kettle"},    {2, "rain+jacket"},    {2, "headphones"},
    {1, "chess+set"}, {1, "hammock"},        {1, "tea"},
};

static const struct phrase topics[] = {{5, "orders.created"}, {3, "stock.changed"}, {2, "mail.outgoing"}};
static const struct phrase sizes[] = {{5, "320x320"}, {3, "640x640"}, {2, "1280x960"}};
static const struct phrase orders_of_reviews[] = {{3, "newest"}, {2, "helpful"}, {1, "rating"}};
static const struct phrase referers[] = {{60, "-"},
                                         {22, "https://shop.example.com/"},
                                         {14, "https://shop.example.com/p/$k"},
                                         {4, "https://www.example.org/"}};

static const struct phrase gateway_messages[] = {
    {40, "INFO  request $r routed to $H in $m us"},
    {10, "DEBUG connection $n from $i reused after $m ms"},
    {5, "WARN  upstream $H slow: 1$2$1 ms for request $r, budget 500 ms"},
    {2, "ERROR upstream $H closed the connection of request $r: connection reset by peer"},
};
static const struct phrase auth_messages[] = {
    {30, "INFO  session $u opened for customer $c from $i"},
    {14, "INFO  token refreshed customer=$c session=$u ttl=3600"},
    {5, "WARN  wrong password for customer $c from $i, attempt $1 of 5"},
    {1, "ERROR signing key $x expired, falling back to $x"},
};
static const struct phrase orders_messages[] = {
    {26, "INFO  order $o confirmed for customer $c: $1 items, $n.$2 EUR, request $r"},
    {14, "INFO  order $o moved from PENDING to PAID in $m ms"},
    {9, "INFO  order $o handed to carrier, parcel $O"},
    {6, "DEBUG reserve sku=$k quantity=$1 order=$o stock=$n"},
    {4, "WARN  order $o: sku $k is short by $1, back-ordered"},
    {2, "ERROR order $o: payment timed out after $m ms, will retry ($1/3) request=$r"},
};
static const struct phrase catalog_messages[] = {
    {24, "INFO  cache hit ratio 0.$2 over $n lookups, $n entries evicted"},
    {12, "DEBUG product $k loaded from replica $h in $m ms"},
    {6, "INFO  price of $k changed from $n.$2 to $n.$2"},
    {2, "WARN  replica $h lags by $m ms"},
    {1, "ERROR product $k: select failed: deadlock detected (SQLSTATE 40P01), request $r"},
};
static const struct phrase search_messages[] = {
    {28, "INFO  query q=\"$w\" hits=$n took=$m ms shard=$1 trace=$r"},
    {6, "DEBUG rewrote q=\"$w\" to synonyms of \"$w\""},
    {3, "WARN  query q=\"$w\" timed out on shard $1, partial result of $n hits"},
    {2, "INFO  segment _$x merged: $n documents, $b bytes, $m ms"},
};
static const struct phrase billing_messages[] = {
    {22, "INFO  payment $u captured: $n.$2 EUR, order $o, card ****$4"},
    {5, "INFO  invoice $O sent for order $o"},
    {4, "WARN  payment $u declined by issuer: insufficient funds, order $o"},
    {1, "ERROR payment provider answered 503 for $u, retry in $m ms"},
};
static const struct phrase mail_messages[] = {
    {20, "INFO  mail order-confirmation queued for customer $c id=$x"},
    {8, "INFO  mail $x delivered in $m ms, 250 2.0.0 OK"},
    {2, "WARN  mail $x deferred: 451 4.7.1 greylisted, retry in $m s"},
};

static const struct service {
    int weight;
    const char *name;
    const struct phrase *messages;
    int message_count;
} services[] = {
    {26, "gateway", gateway_messages, COUNT(gateway_messages)},
    {20, "orders", orders_messages, COUNT(orders_messages)},
    {16, "catalog", catalog_messages, COUNT(catalog_messages)},
    {13, "search", search_messages, COUNT(search_messages)},
    {11, "auth", auth_messages, COUNT(auth_messages)},
    {9, "billing", billing_messages, COUNT(billing_messages)},
    {5, "mail", mail_messages, COUNT(mail_messages)},
};

/* ---- state ---- */

enum { RECENT = 24, HOSTS_PER_SERVICE = 4, CUSTOMERS = 6000, PRODUCTS = 1500 };
static const uint64_t start_ms = UINT64_C(1741910400000); /* 2025-03-14 00:00:00 UTC */

struct request {
    uint64_t trace, payment[2];
    uint32_t customer, order, product, address;
    const char *agent;
    int service;
};

struct service_logs {
    struct rng rng;
    uint64_t clock_ms, parcel;
    uint32_t last_order;
    struct request recent[RECENT];
    struct request *request; /* of the line being written */
};

/* ---- drawing ---- */

static uint64_t draw(struct service_logs *logs, uint64_t bound) {
    return rng_below(&logs->rng, bound);
}

/* Spread over orders of magnitude, from 1 to 2^bits - 1: the probability of k falls in steps as 1/k. */
static uint64_t draw_magnitude(struct service_logs *logs, int bits) {
    uint64_t scale = UINT64_C(1) << draw(logs, (uint64_t)bits);
    return scale + draw(logs, scale);
}

/* A rank below `bound` by Zipf's law: 0 is the most popular. */
static uint64_t draw_popular(struct service_logs *logs, uint64_t bound) {
    int bits = 64 - __builtin_clzll(bound);
    uint64_t rank;
    do
        rank = draw_magnitude(logs, bits) - 1;
    while (rank >= bound);
    return rank;
}

static const char *draw_phrase(struct service_logs *logs, const struct phrase *table, int count) {
    uint64_t total = 0;
    for (int i = 0; i < count; i++)
        total += (uint64_t)table[i].weight;
    uint64_t at = draw(logs, total);
    int i = 0;
    for (; at >= (uint64_t)table[i].weight; i++)
        at -= (uint64_t)table[i].weight;
    return table[i].text;
}
#define DRAW(logs, table) draw_phrase((logs), (table), COUNT(table))

static int draw_service(struct service_logs *logs) {
    uint64_t at = draw(logs, 100); /* the weights add up to 100 */
    int i = 0;
    for (; at >= (uint64_t)services[i].weight; i++)
        at -= (uint64_t)services[i].weight;
    return i;
}

static void begin_request(struct service_logs *logs, struct request *request) {
    request->trace = rng_next(&logs->rng);
    request->payment[0] = rng_next(&logs->rng);
    request->payment[1] = rng_next(&logs->rng);
    uint32_t customer = 1 + (uint32_t)draw_popular(logs, CUSTOMERS);
    request->customer = 10000 + customer * 7919 % 89989;
    request->address = customer * UINT32_C(2654435761);
    request->agent = DRAW(logs, agents);
    request->product = (1 + (uint32_t)draw_popular(logs, PRODUCTS)) * 48271 % 99991;
    request->order =
        draw(logs, 3) ? logs->last_order - (uint32_t)draw_popular(logs, 400) : ++logs->last_order;
    request->service = draw_service(logs);
}

/* ---- writing ---- */

struct text {
    char *bytes;
    size_t size;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *text, const char *format, ...) {
    size_t capacity = SYNTH_RECORD_CAPACITY - text->size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text->bytes + text->size, capacity, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < capacity);
    text->size += (size_t)size;
}

static void put_time(struct text *text, uint64_t clock_ms, bool access) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(clock_ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    if (access)
        put(text, "%02d/%.3s/%d:%02d:%02d:%02d +0000", t.tm_mday, months + 3 * (t.tm_mon % 12),
            t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    else
        put(text, "%d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
            t.tm_min, t.tm_sec, (int)(clock_ms % 1000));
}

static void put_uuid(struct text *text, const uint64_t bits[2]) {
    put(text, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64, bits[0] >> 32,
        bits[0] >> 16 & 0xffff, bits[0] & 0xfff, (bits[1] >> 48 & 0x3fff) | 0x8000,
        bits[1] & UINT64_C(0xffffffffffff));
}

static void put_host(struct service_logs *logs, struct text *text, int service) {
    static const char *const zones[] = {"fra1", "fra2", "ams1"};
    int number = (int)draw_popular(logs, HOSTS_PER_SERVICE);
    put(text, "%s-%02d.%s", services[service].name, number + 1, zones[number % 3]);
}

static void put_process(struct service_logs *logs, struct text *text) {
    put(text, "%d", 812 + logs->request->service * 977 + (int)draw_popular(logs, HOSTS_PER_SERVICE) * 131);
}

static void expand(struct service_logs *logs, struct text *text, const char *phrase);

/* What "$x" stands for. */
/* clang-format off */
static void expand_letter(struct service_logs *logs, struct text *text, char letter) {
    const struct request *request = logs->request;
    const struct service *service = &services[request->service];
    switch (letter) {
    case 'A': put_time(text, logs->clock_ms, true); break;
    case 'B': put(text, "%s", DRAW(logs, truths)); break;
    case 'C': put(text, "%s", DRAW(logs, write_statuses)); break;
    case 'G': expand(logs, text, DRAW(logs, reads)); break;
    case 'H': put_host(logs, text, draw_service(logs)); break;
    case 'M': expand(logs, text, draw_phrase(logs, service->messages, service->message_count)); break;
    case 'O': put(text, "%" PRIu64, logs->parcel += 1 + draw(logs, 9)); break;
    case 'R': put(text, "%s", DRAW(logs, operations)); break;
    case 'S': put(text, "%s", DRAW(logs, read_statuses)); break;
    case 'T': put_time(text, logs->clock_ms, false); break;
    case 'U': put(text, "%s", request->agent); break;
    case 'W': expand(logs, text, DRAW(logs, writes)); break;
    case 'a': draw(logs, 5) ? put(text, "-") : put(text, "u%u", request->customer); break;
    case 'b': put(text, "%" PRIu64, 180 + draw_magnitude(logs, 15)); break;
    case 'c': put(text, "%u", request->customer); break;
    case 'd': put(text, "0.%03" PRIu64, draw_magnitude(logs, 9)); break;
    case 'f': expand(logs, text, DRAW(logs, referers)); break;
    case 'g': put(text, "%" PRIu64, 256 + draw(logs, 768)); break;
    case 'h': put_host(logs, text, request->service); break;
    case 'i': put(text, "%u.%u.%u.%u", 20 + (request->address >> 24) % 180, request->address >> 16 & 255,
                  request->address >> 8 & 255, request->address & 255); break;
    case 'k': put(text, "SKU-%05u", request->product); break;
    case 'm': put(text, "%" PRIu64, draw_magnitude(logs, 10)); break;
    case 'n': put(text, "%" PRIu64, draw_magnitude(logs, 8)); break;
    case 'o': put(text, "%u", request->order); break;
    case 'p': put_process(logs, text); break;
    case 'q': put(text, "%s", DRAW(logs, topics)); break;
    case 'r': put(text, "%016" PRIx64, request->trace); break;
    case 's': put(text, "%s", service->name); break;
    case 'u': put_uuid(text, request->payment); break;
    case 'v': put(text, "%s", DRAW(logs, orders_of_reviews)); break;
    case 'w': put(text, "%s", DRAW(logs, words)); break;
    case 'x': put(text, "%06" PRIx64, request->trace & 0xffffff); break;
    case 'z': put(text, "%s", DRAW(logs, sizes)); break;
    case '1': put(text, "%" PRIu64, 1 + draw_popular(logs, 5)); break;
    case '2': put(text, "%02" PRIu64, draw(logs, 100)); break;
    case '4': put(text, "%04u", request->customer % 10000); break;
    default: assert(!"a phrase names an unknown letter");
    }
}
/* clang-format on */

static void expand(struct service_logs *logs, struct text *text, const char *phrase) {
    for (; *phrase; phrase++) {
        size_t plain = strcspn(phrase, "$");
        put(text, "%.*s", (int)plain, phrase);
        phrase += plain;
        if (!*phrase)
            return;
        expand_letter(logs, text, *++phrase);
    }
}

static void begin(void *state, uint64_t seed) {
    struct service_logs *logs = state;
    rng_seed(&logs->rng, seed, "service-logs");
    logs->clock_ms = start_ms + draw(logs, 86400000);
    logs->last_order = 480000 + (uint32_t)draw(logs, 20000);
    logs->parcel = 7310000000 + draw(logs, 1000000);
    for (int i = 0; i < RECENT; i++)
        begin_request(logs, &logs->recent[i]);
}

static size_t line(void *state, char *bytes) {
    struct service_logs *logs = state;
    struct text text = {bytes, 0};
    logs->clock_ms += draw_popular(logs, 120);
    logs->request = &logs->recent[draw_popular(logs, RECENT)];
    if (draw(logs, 5) < 2)
        begin_request(logs, logs->request);
    expand(logs, &text, DRAW(logs, line_kinds));
    return text.size;
}

const struct synth_generator synth_service_logs = {
    "service-logs", "logs of a web shop: access lines, service messages, JSON telemetry",
    sizeof(struct service_logs), begin, line};
