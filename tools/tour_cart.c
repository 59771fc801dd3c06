/*  tour_cart.c - see tour_cart.h.
 *
 *  A cart is a value: its items, one a line, in order. The store knows nothing of items; what unites two carts is
 *  the application's merge, and here it is the union.
 */
#include "tour_cart.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client/cartwheel.h"
#include "print.h"
#include "tour.h"

#define CART_KEY "cart/alice"
#define CART_CALL_MS 5000
#define CART_ITEMS 16

typedef struct {
    const char *name;
    cw_client_t *client;
    cw_result_t seen; /* what this shopper read last */
    pthread_barrier_t *start;
    const char *cart; /* what it is about to write */
    cw_status_t status;
} shopper_t;

static int s_fail (const shopper_t *shopper, const char *what)
{
    tour_complain ("the cart: %s could not %s: %s", shopper->name, what,
                   cw_error (shopper->client));
    return -1;
}

static int s_read (shopper_t *shopper)
{
    cw_status_t status =
        cw_get (shopper->client, CART_KEY, strlen (CART_KEY), NULL, &shopper->seen);
    return status == CW_OK || status == CW_NOT_FOUND ? 0 : s_fail (shopper, "read");
}

/*  Writes a cart over what this shopper has seen. */
static int s_write (shopper_t *shopper, const char *cart)
{
    cw_options_t options = {.context = shopper->seen.context};
    return cw_put (shopper->client, CART_KEY, strlen (CART_KEY), cart, strlen (cart), &options,
                   &shopper->seen) == CW_OK
               ? 0
               : s_fail (shopper, "write");
}

static bool s_holds (const cw_result_t *result, const char *cart)
{
    for (size_t i = 0; i < result->count; i++)
        if (result->values[i].size == strlen (cart) &&
            !memcmp (result->values[i].data, cart, strlen (cart)))
            return true;
    return false;
}

/*  Reads, and complains unless there are exactly these carts; `second` may be NULL. */
static int s_expect (shopper_t *shopper, const char *first, const char *second, const char *when)
{
    if (s_read (shopper))
        return -1;
    size_t count = second ? 2 : 1;
    if (shopper->seen.count == count && s_holds (&shopper->seen, first) &&
        (!second || s_holds (&shopper->seen, second)))
        return 0;
    tour_complain ("the cart: %s it has %zu values, or others than the %zu expected", when,
                   shopper->seen.count, count);
    return -1;
}

/* ---- the merge, which is the application's ---- */

static int s_by_text (const void *a, const void *b)
{
    return strcmp (*(char *const *) a, *(char *const *) b);
}

/*  The union of all siblings, each item once. It adds nothing of its own, so that doing it twice is as doing it once. */
static int s_merge (void *argument, const cw_bytes_t *siblings, size_t count, cw_bytes_t *merged)
{
    (void) argument;
    char *all = print_format ("%s", "");
    for (size_t i = 0; i < count; i++) {
        char *longer =
            print_format ("%s%.*s", all, (int) siblings[i].size, (const char *) siblings[i].data);
        free (all);
        all = longer;
    }
    char *items[CART_ITEMS];
    size_t kept = 0;
    char *state = NULL;
    for (char *item = strtok_r (all, "\n", &state); item && kept < CART_ITEMS;
         item = strtok_r (NULL, "\n", &state))
        items[kept++] = item;
    qsort (items, kept, sizeof items[0], s_by_text);
    char *united = print_format ("%s", "");
    for (size_t i = 0; i < kept; i++) {
        if (i && !strcmp (items[i], items[i - 1]))
            continue;
        char *longer = print_format ("%s%s\n", united, items[i]);
        free (united);
        united = longer;
    }
    free (all);
    *merged = (cw_bytes_t){united, strlen (united)};
    return 0;
}

/* ---- the scenes ---- */

static void *s_add_at_once (void *argument)
{
    shopper_t *shopper = argument;
    pthread_barrier_wait (shopper->start);
    shopper->status = s_write (shopper, shopper->cart) ? CW_INTERNAL : CW_OK;
    return NULL;
}

/*  Both read the same cart, and write at the same time. */
static int s_add_concurrently (shopper_t *phone, shopper_t *laptop)
{
    if (s_write (phone, "milk\n") || s_read (phone) || s_read (laptop))
        return -1;
    tour_tell (
        "  the cart holds milk; a phone adds bread and a laptop adds honey, at the same time");
    pthread_barrier_t start;
    pthread_t thread;
    phone->cart = "bread\nmilk\n";
    laptop->cart = "honey\nmilk\n";
    phone->start = &start;
    laptop->start = &start;
    pthread_barrier_init (&start, NULL, 2);
    int error = pthread_create (&thread, NULL, s_add_at_once, phone);
    if (!error) {
        s_add_at_once (laptop);
        pthread_join (thread, NULL);
    }
    pthread_barrier_destroy (&start);
    phone->start = NULL;
    laptop->start = NULL;
    if (error) {
        tour_complain ("a thread cannot be started");
        return -1;
    }
    if (phone->status != CW_OK || laptop->status != CW_OK)
        return -1;
    if (s_expect (phone, phone->cart, laptop->cart, "after two concurrent additions"))
        return -1;
    tour_tell ("  both survive as siblings: nobody's addition is lost");
    return 0;
}

static int s_unite (shopper_t *laptop, shopper_t *phone)
{
    if (cw_update (laptop->client, CART_KEY, strlen (CART_KEY), s_merge, NULL, NULL,
                   &laptop->seen) != CW_OK)
        return s_fail (laptop, "merge");
    if (s_expect (phone, "bread\nhoney\nmilk\n", NULL, "after the merge"))
        return -1;
    tour_tell (
        "  the application merges them and puts the result: one cart with bread, honey, milk");
    return 0;
}

/*  The laptop adds tea; the phone, which has not seen that, empties the cart that it knows. */
static int s_delete_stale (shopper_t *phone, shopper_t *laptop)
{
    static const char with_tea[] = "bread\nhoney\nmilk\ntea\n";
    if (s_read (laptop) || s_write (laptop, with_tea))
        return -1;
    cw_options_t options = {.context = phone->seen.context};
    if (cw_delete (phone->client, CART_KEY, strlen (CART_KEY), &options, NULL) != CW_OK)
        return s_fail (phone, "delete");
    if (s_expect (phone, with_tea, NULL, "after a delete of an older version"))
        return -1;
    tour_tell (
        "  the laptop adds tea; the phone deletes the version before that: the tea is still there");
    options.context = phone->seen.context;
    if (cw_delete (phone->client, CART_KEY, strlen (CART_KEY), &options, NULL) != CW_OK)
        return s_fail (phone, "delete");
    if (s_read (phone))
        return -1;
    if (phone->seen.count) {
        tour_complain ("the cart: after a delete of what was read it has %zu values",
                       phone->seen.count);
        return -1;
    }
    tour_tell ("  the phone reads the cart and deletes what it read: now it is empty");
    return 0;
}

int cart_run (const char *phone_endpoint, const char *laptop_endpoint)
{
    shopper_t phone = {.name = "the phone", .client = cw_new (phone_endpoint, CART_CALL_MS)};
    shopper_t laptop = {.name = "the laptop", .client = cw_new (laptop_endpoint, CART_CALL_MS)};
    int rc = -1;
    if (phone.client && laptop.client && s_add_concurrently (&phone, &laptop) == 0 &&
        s_unite (&laptop, &phone) == 0)
        rc = s_delete_stale (&phone, &laptop);
    cw_result_clear (&phone.seen);
    cw_result_clear (&laptop.seen);
    cw_destroy (&phone.client);
    cw_destroy (&laptop.client);
    return rc;
}
