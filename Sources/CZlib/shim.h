#include <string.h>
#include <zlib.h>

/* inflateInit2 is a macro that Swift does not see. Window bits: -15 raw deflate, 31 gzip. */
static inline int czlib_inflate_init(z_stream *stream, int window_bits) {
  memset(stream, 0, sizeof *stream);
  return inflateInit2(stream, window_bits);
}
