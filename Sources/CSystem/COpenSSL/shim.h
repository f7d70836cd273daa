#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// OpenSSL offers these as macros or variadic functions, which Swift does not import.

static inline EVP_PKEY *shim_EVP_EC_gen_P256(void) { return EVP_EC_gen("P-256"); }

static inline void shim_SSL_CTX_set_options(SSL_CTX *context, uint64_t options) {
  SSL_CTX_set_options(context, options);
}

static inline int shim_SSL_CTX_use_DTLS_1_2_only(SSL_CTX *context) {
  return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION)
      && SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
}

static inline int shim_SSL_CTX_set_groups_list(SSL_CTX *context, const char *groups) {
  return (int)SSL_CTX_set1_groups_list(context, groups);
}

static inline void shim_SSL_set_mtu(SSL *ssl, long mtu) { SSL_set_mtu(ssl, mtu); }

// Microseconds until the handshake flight is to be sent again; negative when no timer runs.
static inline int64_t shim_DTLS_timeout_microseconds(SSL *ssl) {
  struct timeval left;
  if (!DTLSv1_get_timeout(ssl, &left)) return -1;
  return (int64_t)left.tv_sec * 1000000 + left.tv_usec;
}

static inline long shim_DTLS_handle_timeout(SSL *ssl) { return DTLSv1_handle_timeout(ssl); }

static inline void shim_BIO_reset(BIO *bio) { (void)BIO_reset(bio); }

static inline void shim_BIO_set_retry_when_empty(BIO *bio) { BIO_set_mem_eof_return(bio, -1); }

static inline long shim_BIO_pending(BIO *bio) { return (long)BIO_pending(bio); }
