/* The plain functions, not EVP: looking up an algorithm among OpenSSL 3's providers takes longer than hashing a target file. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
