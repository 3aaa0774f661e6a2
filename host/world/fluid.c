/* fluid.c: position-based fluids. A step predicts places, finds neighbours on a grid, and then moves particles a few
 * times along the gradients of the constraint "density = that at rest" (section 3 of the paper); velocities are what
 * moved. Density uses the poly6 kernel, gradients the spiky one (Mueller et al. 2003, in two dimensions).
 *
 * Near a solid part of the kernel reaches into it. As much density is added as if the solid were full of liquid (a half
 * plane; after Koschier and Bender 2017), so that liquid neither thins out nor piles up along walls. */
#include "world/fluid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "world/clamp.h"

enum { TABLE = 64, PAIRS = 24, ITERATIONS = 2 }; /* PAIRS a particle at most, each counted once */

static const double pi = 3.14159265358979323846;
static const double kernel_reach = 2.5; /* in spacings: about 20 neighbours */
static const double softness = 1;       /* share of the stiffness added to every particle's: calms spray (eq. 11) */
static const double clumping = 0.001;   /* artificial pressure (eq. 13), as a share of the density */
static const double viscosity = 0.2;    /* XSPH (eq. 17) a step */
static const double wall_drag = 0.04;   /* share of the velocity along a still solid that is lost a step, at its edge */
static const double closest = 0.25;     /* to a solid, in spacings */
static const double longest = 0.1;      /* move of an iteration, in reaches */

/* Factors of the poly6 kernel and of the size of the spiky kernel's gradient. */
struct kernel {
    double poly6, spiky, reach, reach2;
};

static struct kernel kernel_of(double reach)
{
    return (struct kernel){4 / (pi * pow(reach, 8)), 30 / (pi * pow(reach, 5)), reach, reach * reach};
}

static double cube(double x)
{
    return x * x * x;
}

/* Sums over a hexagonal lattice with one particle a spacing squared: what a liquid at rest is like. */
static void calibrate(struct pv_fluid *f)
{
    const struct kernel k = kernel_of(f->reach);
    const double side = f->spacing * sqrt(2 / sqrt(3)), row = side * sqrt(3) / 2;
    double squares = 0;
    f->density = 0;
    for (int j = -4; j <= 4; j++)
        for (int i = -6; i <= 6; i++) {
            const double x = (i + (j & 1) * 0.5) * side, y = j * row, r = sqrt(x * x + y * y);
            if (r >= f->reach)
                continue;
            f->density += k.poly6 * cube(k.reach2 - r * r);
            if (r > 0)
                squares += pow(k.spiky * (k.reach - r) * (k.reach - r), 2);
        }
    f->stiffness = squares / (f->density * f->density);
    f->crowding = k.poly6 * cube(k.reach2 - 0.04 * k.reach2); /* the kernel at a fifth of its reach */

    /* The kernel integrated along a line at distance y is 128 / (35 pi h^8) (h^2 - y^2)^3.5; what lies beyond the
     * surface is the integral of that. Both as a share of the density. */
    const double step = f->reach / (TABLE - 1), scale = 128 / (35 * pi * pow(f->reach, 8));
    double beyond = 0;
    for (int i = TABLE - 1; i >= 0; i--) {
        const double y = i * step;
        f->wall_change[i] = scale * pow(fmax(k.reach2 - y * y, 0), 3.5);
        if (i < TABLE - 1)
            beyond += (f->wall_change[i] + f->wall_change[i + 1]) / 2 * step;
        f->wall_density[i] = beyond;
    }
}

static void *room_for(int count, size_t size)
{
    return calloc((size_t)count, size);
}

pv_status pv_fluid_open(struct pv_fluid *f, int count, double spacing, struct pv_point low, struct pv_point high,
                        struct pv_error *err)
{
    f->count = count;
    f->spacing = spacing;
    f->reach = kernel_reach * spacing;
    f->low = low;
    f->high = high;
    f->columns = (int)((high.x - low.x) / f->reach) + 1;
    f->rows = (int)((high.y - low.y) / f->reach) + 1;
    f->at = room_for(count, sizeof *f->at);
    f->velocity = room_for(count, sizeof *f->velocity);
    f->old = room_for(count, sizeof *f->old);
    f->moved = room_for(count, sizeof *f->moved);
    f->scratch = room_for(count, sizeof *f->scratch);
    f->sums = room_for(count, sizeof *f->sums);
    f->near = room_for(count, sizeof *f->near);
    f->pairs = room_for(count * PAIRS, sizeof *f->pairs);
    f->terms = room_for(count * PAIRS, sizeof *f->terms);
    f->cell_of = room_for(count, sizeof *f->cell_of);
    f->cell_start = room_for(f->columns * f->rows + 1, sizeof *f->cell_start);
    f->wall_density = room_for(TABLE, sizeof *f->wall_density);
    f->wall_change = room_for(TABLE, sizeof *f->wall_change);
    if (!f->at || !f->velocity || !f->old || !f->moved || !f->scratch || !f->sums || !f->near || !f->pairs ||
        !f->terms || !f->cell_of || !f->cell_start || !f->wall_density || !f->wall_change)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a liquid of %d particles; close other programs", count);
    calibrate(f);
    return PV_OK;
}

void pv_fluid_close(struct pv_fluid *f)
{
    free(f->at);
    free(f->velocity);
    free(f->old);
    free(f->moved);
    free(f->scratch);
    free(f->sums);
    free(f->near);
    free(f->pairs);
    free(f->terms);
    free(f->cell_of);
    free(f->cell_start);
    free(f->wall_density);
    free(f->wall_change);
}

/* Liquid does not come nearer than this to a surface. */
struct surface {
    double distance;
    struct pv_point normal;
};

enum { BOX_SIDES = 4, SURFACES = BOX_SIDES + PV_FLUID_SOLIDS };

static struct surface surface_at(const struct pv_fluid *f, int index, struct pv_point p)
{
    switch (index) {
    case 0: return (struct surface){p.x - f->low.x, {1, 0}};
    case 1: return (struct surface){f->high.x - p.x, {-1, 0}};
    case 2: return (struct surface){p.y - f->low.y, {0, 1}};
    case 3: return (struct surface){f->high.y - p.y, {0, -1}};
    default: break;
    }
    const struct pv_bar *bar = &f->solids[index - BOX_SIDES];
    struct pv_point nearest;
    const double distance = pv_bar_distance(bar, p, &nearest), from_middle = distance + bar->radius;
    struct surface s = {distance, {0, 1}};
    if (from_middle > 0)
        s.normal = (struct pv_point){(p.x - nearest.x) / from_middle, (p.y - nearest.y) / from_middle};
    return s;
}

/* Which surfaces a particle can meet during this step: a bit each. */
static uint32_t surfaces_near(const struct pv_fluid *f, struct pv_point p)
{
    uint32_t near = 0;
    for (int i = 0; i < BOX_SIDES + f->solid_count; i++)
        if (surface_at(f, i, p).distance < 1.5 * f->reach)
            near |= 1u << i;
    return near;
}

static struct pv_point push_out(const struct pv_fluid *f, uint32_t near, struct pv_point p)
{
    const double keep = closest * f->spacing;
    for (int i = 0; near; i++, near >>= 1) {
        if (!(near & 1))
            continue;
        const struct surface s = surface_at(f, i, p);
        if (s.distance < keep) {
            p.x += (keep - s.distance) * s.normal.x;
            p.y += (keep - s.distance) * s.normal.y;
        }
    }
    return p;
}

static int cell_index(const struct pv_fluid *f, struct pv_point p)
{
    const int column = (int)((p.x - f->low.x) / f->reach), row = (int)((p.y - f->low.y) / f->reach);
    return (row < 0          ? 0
            : row >= f->rows ? f->rows - 1
                             : row) *
               f->columns +
           (column < 0             ? 0
            : column >= f->columns ? f->columns - 1
                                   : column);
}

static void reorder(const struct pv_fluid *f, struct pv_point *values)
{
    int *next = f->cell_start;
    for (int i = 0; i < f->count; i++)
        f->scratch[next[f->cell_of[i]]++] = values[i];
    for (int cell = f->columns * f->rows; cell > 0; cell--) /* the ends are the next cells' starts */
        next[cell] = next[cell - 1];
    next[0] = 0;
    memcpy(values, f->scratch, (size_t)f->count * sizeof *values);
}

/* Sorts the particles by cell: neighbours lie close in memory, and their order is fixed. */
static void sort(struct pv_fluid *f)
{
    const int cells = f->columns * f->rows;
    memset(f->cell_start, 0, (size_t)(cells + 1) * sizeof *f->cell_start);
    for (int i = 0; i < f->count; i++) {
        f->cell_of[i] = cell_index(f, f->at[i]);
        f->cell_start[f->cell_of[i] + 1]++;
    }
    for (int cell = 0; cell < cells; cell++)
        f->cell_start[cell + 1] += f->cell_start[cell];
    reorder(f, f->at);
    reorder(f, f->old);
    reorder(f, f->velocity);
}

static void add_pairs(struct pv_fluid *f, int a, int first, int end)
{
    const double reach2 = f->reach * f->reach;
    for (int b = first; b < end; b++) {
        const double dx = f->at[a].x - f->at[b].x, dy = f->at[a].y - f->at[b].y;
        if (dx * dx + dy * dy < reach2 && f->pair_count < f->count * PAIRS)
            f->pairs[f->pair_count++] = (struct pv_fluid_pair){a, b};
    }
}

/* Each pair once: the rest of a particle's own cell and the cell to the right, then the three above. */
static void find_pairs(struct pv_fluid *f)
{
    f->pair_count = 0;
    for (int row = 0; row < f->rows; row++)
        for (int column = 0; column < f->columns; column++) {
            const int cell = row * f->columns + column;
            const int left = column > 0 ? cell - 1 : cell, right = column + 1 < f->columns ? cell + 1 : cell;
            for (int a = f->cell_start[cell]; a < f->cell_start[cell + 1]; a++) {
                add_pairs(f, a, a + 1, f->cell_start[right + 1]);
                if (row + 1 < f->rows)
                    add_pairs(f, a, f->cell_start[left + f->columns], f->cell_start[right + f->columns + 1]);
            }
        }
}

/* What the solids near a particle add to its density (a share) and to that term's gradient. */
static double wall_term(const struct pv_fluid *f, uint32_t near, struct pv_point p, struct pv_point *gradient)
{
    double density = 0;
    *gradient = (struct pv_point){0, 0};
    for (int i = 0; near; i++, near >>= 1) {
        if (!(near & 1))
            continue;
        const struct surface s = surface_at(f, i, p);
        if (s.distance >= f->reach)
            continue;
        const double place = (s.distance > 0 ? s.distance : 0) / f->reach * (TABLE - 1);
        const int k = (int)place < TABLE - 2 ? (int)place : TABLE - 2;
        const double t = place - k;
        density += f->wall_density[k] + t * (f->wall_density[k + 1] - f->wall_density[k]);
        const double change = f->wall_change[k] + t * (f->wall_change[k + 1] - f->wall_change[k]);
        gradient->x -= change * s.normal.x;
        gradient->y -= change * s.normal.y;
    }
    return density;
}

/* One iteration (algorithm 1, lines 9 to 17). */
static void solve(struct pv_fluid *f)
{
    const struct kernel k = kernel_of(f->reach);
    const double self = k.poly6 * cube(k.reach2), scale = 1 / f->density, calm = 1 / f->crowding;
    for (int i = 0; i < f->count; i++)
        f->sums[i] = (struct pv_fluid_sum){.density = self};
    for (int n = 0; n < f->pair_count; n++) {
        const int a = f->pairs[n].a, b = f->pairs[n].b;
        const double dx = f->at[a].x - f->at[b].x, dy = f->at[a].y - f->at[b].y, d2 = dx * dx + dy * dy;
        double push = 0, w = 0;
        if (d2 < k.reach2) {
            const double r = sqrt(d2), spiky = k.spiky * (k.reach - r) * (k.reach - r) * scale;
            w = k.poly6 * cube(k.reach2 - d2);
            push = r > 0 ? spiky / r : 0; /* the gradient is -push * (dx, dy) */
            struct pv_fluid_sum *sa = &f->sums[a], *sb = &f->sums[b];
            sa->density += w;
            sb->density += w;
            sa->squares += spiky * spiky;
            sb->squares += spiky * spiky;
            sa->gradient.x -= push * dx;
            sa->gradient.y -= push * dy;
            sb->gradient.x += push * dx;
            sb->gradient.y += push * dy;
        }
        const double crowd = w * calm;
        f->terms[n] = (struct pv_fluid_term){push * dx, push * dy, crowd * crowd * crowd * crowd};
    }
    for (int i = 0; i < f->count; i++) {
        struct pv_fluid_sum *s = &f->sums[i];
        const double wall = wall_term(f, f->near[i], f->at[i], &s->wall);
        const double excess = s->density * scale + wall - 1, constraint = excess > 0 ? excess : 0; /* no pull */
        const double gx = s->gradient.x + s->wall.x, gy = s->gradient.y + s->wall.y;
        s->lambda = -constraint / (s->squares + gx * gx + gy * gy + softness * f->stiffness);
        f->moved[i] = (struct pv_point){s->lambda * s->wall.x, s->lambda * s->wall.y};
    }
    const double pressure = clumping / f->stiffness;
    for (int n = 0; n < f->pair_count; n++) {
        const int a = f->pairs[n].a, b = f->pairs[n].b;
        const struct pv_fluid_term *t = &f->terms[n];
        const double strength = f->sums[a].lambda + f->sums[b].lambda - pressure * t->crowd;
        f->moved[a].x -= strength * t->x;
        f->moved[a].y -= strength * t->y;
        f->moved[b].x += strength * t->x;
        f->moved[b].y += strength * t->y;
    }
    const double limit = longest * f->reach;
    for (int i = 0; i < f->count; i++) {
        const struct pv_point m = f->moved[i];
        const double length = sqrt(m.x * m.x + m.y * m.y), part = length > limit ? limit / length : 1;
        const struct pv_point p = {f->at[i].x + part * m.x, f->at[i].y + part * m.y};
        f->at[i] = push_out(f, f->near[i], p);
    }
}

/* Neighbours take on a little of each other's velocity. */
static void smooth(struct pv_fluid *f)
{
    const struct kernel k = kernel_of(f->reach);
    memset(f->moved, 0, (size_t)f->count * sizeof *f->moved);
    for (int n = 0; n < f->pair_count; n++) {
        const int a = f->pairs[n].a, b = f->pairs[n].b;
        const double dx = f->at[a].x - f->at[b].x, dy = f->at[a].y - f->at[b].y;
        const double inside = k.reach2 - dx * dx - dy * dy, w = inside > 0 ? k.poly6 * cube(inside) / f->density : 0;
        const double vx = w * (f->velocity[b].x - f->velocity[a].x), vy = w * (f->velocity[b].y - f->velocity[a].y);
        f->moved[a].x += vx;
        f->moved[a].y += vy;
        f->moved[b].x -= vx;
        f->moved[b].y -= vy;
    }
    for (int i = 0; i < f->count; i++) {
        f->velocity[i].x += viscosity * f->moved[i].x;
        f->velocity[i].y += viscosity * f->moved[i].y;
    }
}

/* Solids that stand still slow what flows along them. */
static struct pv_point slowed(const struct pv_fluid *f, uint32_t near, struct pv_point p, struct pv_point v)
{
    for (int i = 0; near; i++, near >>= 1) {
        if (!(near & 1) || (i >= BOX_SIDES && i < BOX_SIDES + f->moving))
            continue;
        const struct surface s = surface_at(f, i, p);
        const double part = wall_drag * pv_clamp(1 - s.distance / f->reach, 0, 1);
        const double across = v.x * s.normal.x + v.y * s.normal.y;
        v.x -= part * (v.x - across * s.normal.x);
        v.y -= part * (v.y - across * s.normal.y);
    }
    return v;
}

void pv_fluid_step(struct pv_fluid *f, double seconds)
{
    for (int i = 0; i < f->count; i++) {
        f->old[i] = f->at[i];
        f->velocity[i].x += f->gravity.x * seconds;
        f->velocity[i].y += f->gravity.y * seconds;
        f->at[i].x += f->velocity[i].x * seconds;
        f->at[i].y += f->velocity[i].y * seconds;
    }
    sort(f);
    find_pairs(f);
    for (int i = 0; i < f->count; i++) {
        f->near[i] = surfaces_near(f, f->at[i]);
        f->at[i] = push_out(f, f->near[i], f->at[i]);
    }
    for (int i = 0; i < ITERATIONS; i++)
        solve(f);
    for (int i = 0; i < f->count; i++) {
        const struct pv_point v = {(f->at[i].x - f->old[i].x) / seconds, (f->at[i].y - f->old[i].y) / seconds};
        f->velocity[i] = slowed(f, f->near[i], f->at[i], v);
    }
    smooth(f);
}
