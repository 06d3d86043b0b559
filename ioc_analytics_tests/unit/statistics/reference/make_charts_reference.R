# Control charts of a level and of a rate, written out in base R: charts.json.
# Rscript make_charts_reference.R > charts.json
suppressPackageStartupMessages(library(jsonlite))

chart <- function(x, v, watched, alpha = 0.005, weight = 0.3) {
  m <- length(x) - watched
  past <- seq_len(m)
  centre <- weighted.mean(x[past], 1 / v[past])
  z <- (x - centre) / sqrt(v)
  dispersion <- sum(z[past]^2) / (m - 1)
  r1 <- acf(z[past], lag.max = 1, plot = FALSE)$acf[2]
  shown <- max(r1 + (1 + 4 * r1) / m, 0)
  r <- min(shown + sqrt((1 - r1^2) / m), 0.8)
  of_centre <- (1 + r) / (1 - r) / sum(1 / v[past])
  w <- weight * (1 - weight)^((watched - 1):0)
  now <- (m + 1):length(x)
  noise <- c(w %*% toeplitz(r^(0:(watched - 1))) %*% w)
  error <- sqrt(dispersion * (noise + sum(w / sqrt(v[now]))^2 * of_centre))
  t <- sum(w * z[now]) / error
  unit <- sqrt(v[length(x)]) * error / sum(w)
  half <- qt(0.95, m - 1) * sqrt(dispersion * (median(v[past]) + of_centre))
  list(centre = centre, weighted = centre + unit * t, low = centre + unit * qt(alpha, m - 1),
       high = centre - unit * qt(alpha, m - 1), next_low = centre - half,
       next_high = centre + half, p_low = pt(t, m - 1), p_high = pt(-t, m - 1),
       dispersion = dispersion, autocorrelation = min(shown, 0.8))
}

set.seed(20261125)
level <- lapply(c(0, 0.5), function(r) {
  x <- round(50 + c(arima.sim(list(ar = r), 44)), 4)
  x[40:44] <- x[40:44] - 1.5
  v <- round(runif(44, 0.5, 2), 3)
  list(values = x, variances = v, chart = chart(x, v, 8))
})

# Cases are all 4000: the stabilised scale needs no correction for few of them.
n <- rep(4000, 40)
k <- rbinom(40, n, plogis(qlogis(0.85) + rnorm(40, 0, 0.2)))
stable <- asin(sqrt((k + 3 / 8) / (n + 3 / 4)))
found <- chart(stable, 1 / (4 * n + 2), 8)
restored <- function(y) (sin(y)^2 * (n[1] + 0.75) - 0.375) / n[1]
rate <- list(successes = k, trials = n, centre = sum(k[1:32]) / sum(n[1:32]),
             low = restored(found$low), high = restored(found$high),
             weighted = restored(found$weighted), p_low = found$p_low, p_high = found$p_high)
cat(toJSON(list(level = level, rate = rate), auto_unbox = TRUE, digits = I(15), pretty = 1), "\n")
