#include <graphviz/gvc.h>
#include <graphviz/cgraph.h>
static inline Agraph_t *cgv_read(const char *dot) { return agmemread(dot); }
static inline int cgv_layout(GVC_t *c, Agraph_t *g, const char *engine) { return gvLayout(c, g, engine); }
static inline int cgv_render(GVC_t *c, Agraph_t *g, const char *f, char **b, size_t *n) {
  unsigned int len = 0; int r = gvRenderData(c, g, f, b, &len); *n = len; return r; }
#include <stdio.h>
static inline FILE *cw_stderr(void) { return stderr; }
