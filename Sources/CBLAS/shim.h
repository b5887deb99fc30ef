/* The few routines of OpenBLAS in use: CBLAS (row-major here) and LAPACK in its Fortran binding (32-bit integers, column-major
   matrices; the hidden lengths of one-letter strings may be left out in the gfortran convention). Types only: the library is
   opened when the first routine is called, because loading it and starting its threads takes longer than a small prediction. */
typedef enum CBLAS_ORDER { CblasRowMajor = 101, CblasColMajor = 102 } CBLAS_ORDER;
typedef enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112 } CBLAS_TRANSPOSE;
typedef enum CBLAS_UPLO { CblasUpper = 121, CblasLower = 122 } CBLAS_UPLO;

typedef void (*cblas_sgemv_function)(CBLAS_ORDER order, CBLAS_TRANSPOSE transA, int m, int n, float alpha, const float *a, int lda,
                                     const float *x, int incX, float beta, float *y, int incY);
typedef void (*cblas_sgemm_function)(CBLAS_ORDER order, CBLAS_TRANSPOSE transA, CBLAS_TRANSPOSE transB, int m, int n, int k,
                                     float alpha, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void (*cblas_dgemm_function)(CBLAS_ORDER order, CBLAS_TRANSPOSE transA, CBLAS_TRANSPOSE transB, int m, int n, int k,
                                     double alpha, const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc);
typedef void (*cblas_ssyrk_function)(CBLAS_ORDER order, CBLAS_UPLO uplo, CBLAS_TRANSPOSE trans, int n, int k, float alpha,
                                     const float *a, int lda, float beta, float *c, int ldc);
typedef void (*cblas_dger_function)(CBLAS_ORDER order, int m, int n, double alpha, const double *x, int incX, const double *y,
                                    int incY, double *a, int lda);
typedef void (*openblas_set_num_threads_function)(int threads);

typedef void (*dpotrf_function)(const char *uplo, const int *n, double *a, const int *lda, int *info);
typedef void (*dpotri_function)(const char *uplo, const int *n, double *a, const int *lda, int *info);
typedef void (*dpotrs_function)(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b,
                                const int *ldb, int *info);
typedef void (*dsyevd_function)(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
                                const int *lwork, int *iwork, const int *liwork, int *info);
