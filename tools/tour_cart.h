/*  tour_cart.h - the shopping cart of Dynamo's section 4.4, as an application would write it. */
#ifndef CARTWHEEL_TOUR_CART_H
#define CARTWHEEL_TOUR_CART_H

/*  A phone, which talks to one node, and a laptop, which talks to another, add to one cart at once; both additions survive;
 *  the merge unites them; a delete that knew only an older version leaves the newer one. 0 when all was so, else -1
 *  after a complaint. */
int cart_run (const char *phone_endpoint, const char *laptop_endpoint);

#endif
