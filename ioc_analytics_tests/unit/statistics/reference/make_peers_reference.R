# Makes peers.json: what R, psych and base lines say about agreement, shrinkage and funnels. Run
# once, by hand; the tests read the figures and need no R. From the root of the checkout:
#
#   Rscript ioc_analytics_tests/unit/statistics/reference/make_peers_reference.R \
#     > ioc_analytics_tests/unit/statistics/reference/peers.json
#
# Needs r-base-core, r-cran-psych and r-cran-jsonlite. attitude comes with R; the groups are stated.

suppressMessages(library(psych))
library(jsonlite)

edges <- c(-Inf, 20, 40, 60, 80, Inf)

agreement <- function(x, y) {
  d <- x - y
  n <- length(d)
  test <- t.test(d)
  icc <- ICC(cbind(x, y), lmer = FALSE)$results["Single_random_raters", ]
  bands <- table(factor(cut(x, edges, right = FALSE, labels = FALSE), 1:5),
                 factor(cut(y, edges, right = FALSE, labels = FALSE), 1:5))
  agreed <- sum(abs(d) <= 10)
  list(first = x, second = y, bias = mean(d), bias_low = test$conf.int[1],
       bias_high = test$conf.int[2], limit_low = mean(d) - 1.96 * sd(d),
       limit_high = mean(d) + 1.96 * sd(d),
       limit_margin = qt(0.975, n - 1) * sd(d) * sqrt(1 / n + 1.96^2 / (2 * (n - 1))),
       mean_absolute_difference = mean(abs(d)),
       icc = icc$ICC, icc_low = icc[["lower bound"]], icc_high = icc[["upper bound"]],
       weighted_kappa = cohen.kappa(as.matrix(bands))$weighted.kappa,
       agreed = agreed, rate_interval = c(prop.test(agreed, n, correct = FALSE)$conf.int))
}

groups <- function(y, v) {
  k <- length(y)
  excess <- function(t) { w <- 1 / (v + t); sum(w * (y - weighted.mean(y, w))^2) - (k - 1) }
  tau2 <- if (excess(0) <= 0) 0 else uniroot(excess, c(0, 1e4), tol = 1e-13)$root
  w <- 1 / (v + tau2)
  kept <- tau2 / (tau2 + v)
  prior <- list(mean = weighted.mean(y, w), mean_error = 1 / sqrt(sum(w)), between_variance = tau2,
                shrunken = weighted.mean(y, w) + kept * (y - weighted.mean(y, w)))
  edge <- qnorm(0.9)
  left <- integrate(function(x) pmin(pmax(x, -edge), edge)^2 * dnorm(x), -Inf, Inf,
                    rel.tol = 1e-12)$value
  square <- function(t) {
    w <- 1 / (v + t)
    z <- (y - weighted.mean(y, w)) * sqrt(w)
    q <- quantile(z, c(0.1, 0.9), type = 7)
    mean(pmin(pmax(z, q[1]), q[2])^2) / left
  }
  phi <- square(0)
  more <- function(t) square(t) - (k - 1) / k
  between <- if (more(0) <= 0) 0 else uniroot(more, c(0, 1e4), tol = 1e-13)$root
  w <- 1 / (v + between)
  target <- weighted.mean(y, w)
  half <- qt(0.975, 0.7 * k) * sqrt(v[1] + between + 1 / sum(w))
  list(values = y, variances = v, prior = prior,
       funnel = list(dispersion = phi, between_variance = between, target = target,
                     low = target - half, high = target + half))
}

i <- 1:200
x <- round(pmin(100, pmax(0, 50 + 30 * sin(i) + 10 * cos(7 * i))), 2)
y <- round(pmin(100, pmax(0, x + 6 * cos(3 * i) + 2)), 2)
reference <- list(
  made_with = list(R = R.version.string, psych = as.character(packageVersion("psych"))),
  agreement = list(agreement(attitude$rating, attitude$complaints), agreement(x, y)),
  groups = list(groups(c(48, 50, 55, 61, 52), c(4, 1, 4, 9, 2)),
                groups(attitude$rating, 100 / (5:34)),
                groups(c(50, 50.1, 49.9, 50, 50.2, 49.8), rep(4, 6))))
cat(toJSON(reference, auto_unbox = TRUE, digits = I(15), pretty = TRUE), "\n")
