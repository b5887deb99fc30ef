// libxml2 drags ICU's headers in, which clash with Foundation's own copy: switch them off first.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlschemas.h>
static inline void cxml_free(void *p) { xmlFree(p); }
