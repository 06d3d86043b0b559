# Makes trends.json: what base R says about trends after pre-whitening. Run once, by hand; the tests
# read the figures and need no R. From the root of the checkout:
#
#   Rscript ioc_analytics_tests/unit/statistics/reference/make_trends_reference.R \
#     > ioc_analytics_tests/unit/statistics/reference/trends.json
#
# Needs r-base-core and r-cran-jsonlite. The series come with R.

library(jsonlite)

pairs_of <- function(w, at) {
  at <- at[!is.na(w[at])]
  if (length(at) < 2) return(list(slopes = numeric(0), s = 0, v = 0))
  ij <- combn(length(at), 2)
  d <- w[at][ij[2, ]] - w[at][ij[1, ]]
  n <- length(at)
  ties <- table(w[at])
  list(slopes = d / (at[ij[2, ]] - at[ij[1, ]]), s = sum(sign(d)),
       v = (n * (n - 1) * (2 * n + 5) - sum(ties * (ties - 1) * (2 * ties + 5))) / 18)
}

trend <- function(x, season = 1) {
  place <- (seq_along(x) - 1) %% season
  effects <- rep(0, season)
  times <- seq_along(x) - 1
  raw <- unlist(lapply(0:(season - 1), function(p) pairs_of(x, which(place == p))$slopes))
  if (season > 1) {
    rest <- x - median(raw) * times
    effects <- tapply(rest, place, median)
    effects <- c(effects - mean(effects))
  }
  y <- x - effects[place + 1]
  r <- acf(y - median(raw) * times, 1, plot = FALSE)$acf[2]
  r <- min(0.97, (length(y) * r + 3) / (length(y) - 6))
  w <- y[-1] - r * y[-length(y)]
  parts <- lapply(0:(season - 1), function(p) pairs_of(w, which((seq_along(w) - 1) %% season == p)))
  slopes <- sort(unlist(lapply(parts, `[[`, "slopes")))
  s <- sum(sapply(parts, `[[`, "s"))
  v <- sum(sapply(parts, `[[`, "v"))
  n <- length(slopes)
  half <- qnorm(0.975) * sqrt(v)
  found <- list(values = c(x), season = season, autocorrelation = r,
                slope = median(slopes) / (1 - r),
                low = slopes[round((n - half) / 2)] / (1 - r),
                high = slopes[round((n + half) / 2 + 1)] / (1 - r),
                p_value = 2 * pnorm(-abs(s - sign(s)) / sqrt(v)), effects = c(unname(effects)))
  if (season == 1) {
    test <- cor.test(w, seq_along(w), method = "kendall", exact = FALSE, continuity = TRUE)
    stopifnot(abs(test$p.value - found$p_value) < 1e-12)
    found$p_value <- test$p.value
    found$tau <- unname(test$estimate)
  }
  found
}

cat(toJSON(list(
  nile = trend(as.numeric(Nile)),
  huron = trend(as.numeric(LakeHuron)),
  discoveries = trend(as.numeric(discoveries)),
  nottem = trend(as.numeric(nottem), 12),
  co2 = trend(as.numeric(co2), 12)
), digits = NA, auto_unbox = TRUE, pretty = TRUE))
