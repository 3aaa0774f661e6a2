/* export.h: which symbols leave the shared libraries. Everything else is hidden. */
#ifndef PREVUE_EXPORT_H
#define PREVUE_EXPORT_H

#if defined(__GNUC__)
#define PV_API __attribute__((visibility("default")))
#else
#define PV_API
#endif

#endif
