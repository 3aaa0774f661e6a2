/* impact.h: how much a contact of two bodies may give back without energy coming from nowhere. */
#ifndef PV_WORLD_IMPACT_H
#define PV_WORLD_IMPACT_H

#include <chipmunk/chipmunk.h>

/* The largest restitution, at most the contact's own, with which it leaves the two no more kinetic energy than they
 * have. The contact's friction and restitution must be set. */
double pv_impact_restitution(const cpArbiter *arbiter);

#endif
