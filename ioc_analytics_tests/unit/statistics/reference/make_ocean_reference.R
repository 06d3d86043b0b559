# Makes ocean_reference.json: what R says about group comparisons, distances, careless indices and
# item functioning on the real answers. Run once, by hand; the tests read the figures and need no R.
# From the root of the checkout:
#
#   Rscript ioc_analytics_tests/unit/statistics/reference/make_ocean_reference.R ../shared/data \
#     > ioc_analytics_tests/unit/statistics/reference/ocean_reference.json
#
# Needs r-base-core and r-cran-jsonlite. The indices of the package careless (1.2.2) are written out
# in base R, because Debian has no such package.

library(jsonlite)
data_folder <- commandArgs(trailingOnly = TRUE)[1]
traits <- c("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")

keys <- fromJSON(file.path(data_folder, "bfi_sapa", "keys.json"))
raw <- read.csv(gzfile(file.path(data_folder, "bfi_sapa", "bfi.csv.gz")), na.strings = c("", "NA"))
answers <- as.matrix(raw[, keys$items$column])
storage.mode(answers) <- "double"
low <- keys$scale$min; high <- keys$scale$max
answers[answers < low | answers > high] <- NA
keyed <- answers
keyed[, keys$items$reverse] <- low + high - answers[, keys$items$reverse]
scores <- sapply(traits, function(trait) {
  items <- keyed[, keys$items$trait == trait]
  points <- 100 * (rowMeans(items, na.rm = TRUE) - low) / (high - low)
  ifelse(rowSums(!is.na(items)) >= 0.8 * ncol(items) - 1e-9, round(points, 9), NA)
})
education <- factor(raw$education)
gender <- raw$gender

hedges <- function(x, y) {
  n <- c(length(x), length(y)); v <- c(var(x), var(y)); s2 <- mean(v)
  d <- (mean(x) - mean(y)) / sqrt(s2)
  spread <- d^2 * sum(v^2 / (n - 1)) / (8 * s2^2) + sum(v / (n - 1)) / s2
  m <- sum(n) - 2
  j <- exp(lgamma(m / 2) - lgamma((m - 1) / 2)) / sqrt(m / 2)
  c(g = j * d, low = d - qnorm(.975) * sqrt(spread), high = d + qnorm(.975) * sqrt(spread))
}

compare <- function(trait) {
  chosen <- !is.na(scores[, trait]) & !is.na(education)
  x <- scores[chosen, trait]; group <- droplevels(education[chosen])
  welch <- oneway.test(x ~ group); kruskal <- kruskal.test(x, group)
  a <- summary(aov(x ~ group))[[1]]
  k <- nlevels(group); n <- length(x); f <- a[1, "F value"]
  ssb <- a[1, "Sum Sq"]; ssw <- a[2, "Sum Sq"]; msw <- a[2, "Mean Sq"]
  limit <- function(p) {
    excess <- function(ncp) pf(f, k - 1, n - k, ncp) - p
    if (excess(0) <= 0) return(0)
    ncp <- uniroot(excess, c(0, 2 * f * (k - 1) + 100), tol = 1e-10)$root
    ncp / (ncp + n)
  }
  pairs <- combn(levels(group), 2, simplify = FALSE)
  p <- sapply(pairs, function(q) t.test(x[group == q[1]], x[group == q[2]])$p.value)
  list(groups = as.list(table(group)), welch = c(welch$statistic, welch$parameter, welch$p.value),
       kruskal = c(kruskal$statistic, kruskal$parameter, kruskal$p.value),
       eta_squared = ssb / (ssb + ssw),
       omega_squared = max(0, (ssb - (k - 1) * msw) / (ssb + ssw + msw)),
       share_interval = c(limit(.975), limit(.025)), p_values = p,
       holm = p.adjust(p, "holm"),
       intervals = lapply(pairs, function(q) c(t.test(x[group == q[1]], x[group == q[2]],
         conf.level = 1 - .05 / length(pairs))$conf.int)),
       effects = lapply(pairs, function(q) unname(hedges(x[group == q[1]], x[group == q[2]]))),
       games_howell = sapply(pairs, function(q) {
         t <- t.test(x[group == q[1]], x[group == q[2]])
         ptukey(abs(unname(t$statistic)) * sqrt(2), k, unname(t$parameter), lower.tail = FALSE)
       }),
       games_howell_width = sapply(pairs, function(q) {
         t <- t.test(x[group == q[1]], x[group == q[2]])
         qtukey(.95, k, unname(t$parameter)) / sqrt(2) * t$stderr
       }))
}

distances <- function() {
  whole <- scores[complete.cases(scores), ]
  d2 <- mahalanobis(whole, colMeans(whole), cov(whole))
  n <- nrow(whole); k <- ncol(whole)
  p <- pbeta(d2 * n / (n - 1)^2, k / 2, (n - k - 1) / 2, lower.tail = FALSE)
  list(n = n, first = unname(d2[1:25]), sum_of_squares = sum(d2^2), largest = max(d2),
       first_p = unname(p[1:25]), below_a_thousandth = sum(p < .001))
}

fences <- function(trait) {
  x <- scores[!is.na(scores[, trait]), trait]
  z <- (x - median(x)) / mad(x)
  limits <- quantile(x, c(.25, .75), names = FALSE) + c(-1.5, 1.5) * IQR(x)
  list(robust = median(x) + c(-3.5, 3.5) * mad(x), robust_count = sum(abs(z) > 3.5),
       tukey = limits, tukey_count = sum(x < limits[1] | x > limits[2]))
}

even_odd <- function() {
  apply(keyed, 1, function(person) {
    f <- t(sapply(traits, function(trait) {
      s <- person[keys$items$trait == trait]
      c(mean(s[seq_along(s) %% 2 == 0], na.rm = TRUE), mean(s[seq_along(s) %% 2 == 1], na.rm = TRUE))
    }))
    val <- suppressWarnings(cor(f[, 1], f[, 2], use = "pairwise.complete.obs"))
    val <- 2 * val / (1 + val)
    if (!is.na(val) && val < -1) -1 else val
  })
}

synonyms <- function(critical) {
  r <- cor(answers, use = "pairwise.complete.obs")
  r[upper.tri(r, diag = TRUE)] <- NA
  pairs <- which(r > critical, arr.ind = TRUE)
  apply(answers, 1, function(x) {
    a <- x[pairs[, 1]]; b <- x[pairs[, 2]]
    if (sum(!is.na(a) & !is.na(b)) <= 2) return(NA)
    suppressWarnings(cor(a, b, use = "pairwise.complete.obs"))
  })
}

summarize <- function(x) {
  x <- x[is.finite(x)]
  list(n = length(x), mean = mean(x), sd = sd(x), minimum = min(x), maximum = max(x))
}

mantel <- function(trait) {
  items <- keyed[, keys$items$trait == trait]
  whole <- complete.cases(items) & !is.na(gender)
  x <- items[whole, ]; focal <- gender[whole] == 2; total <- rowSums(x)
  lapply(setNames(seq_len(ncol(x)), keys$items$column[keys$items$trait == trait]), function(i) {
    observed <- expected <- variance <- gap <- weight <- 0
    for (k in unique(total)) {
      y <- x[total == k, i]; f <- focal[total == k]; n <- length(y)
      if (!any(f) || all(f)) next
      observed <- observed + sum(y[f]); expected <- expected + sum(f) * mean(y)
      variance <- variance +
        sum(f) * sum(!f) * (n * sum(y^2) - sum(y)^2) / (n^2 * (n - 1))
      gap <- gap + sum(f) * (mean(y[f]) - mean(y[!f])); weight <- weight + sum(f)
    }
    statistic <- (observed - expected)^2 / variance
    list(statistic = statistic, p_value = pchisq(statistic, 1, lower.tail = FALSE),
         mean_difference = gap / weight, standardized = gap / weight / sd(x[, i]))
  })
}

# Two answers only: R's own test is an independent way to the same figure.
mantel_of_two <- function(trait) {
  items <- (keyed[, keys$items$trait == trait] > 3) * 1
  whole <- complete.cases(items) & !is.na(gender)
  x <- items[whole, ]; total <- rowSums(x)
  kept <- total > 0 & total < ncol(x)
  lapply(setNames(seq_len(ncol(x)), keys$items$column[keys$items$trait == trait]), function(i)
    unname(mantelhaen.test(x[kept, i], gender[whole][kept], total[kept], correct = FALSE)$statistic))
}

ranks <- function(trait) {
  x <- scores[!is.na(scores[, trait]), trait]
  at <- c(0, 20, 50, 52, 71.3, 100)
  list(scores = at, percentiles = unname(100 * (colMeans(outer(x, at, "<")) +
                                                colMeans(outer(x, at, "==")) / 2)))
}

per_trait <- function(f) lapply(setNames(traits, traits), f)
cat(toJSON(list(
  made_with = list(R = R.version.string),
  comparisons = per_trait(compare), distances = distances(), fences = per_trait(fences),
  even_odd = summarize(even_odd()), synonyms = summarize(synonyms(.5)),
  mantel = per_trait(mantel), mantel_of_two = per_trait(mantel_of_two),
  ranks = per_trait(ranks)), auto_unbox = TRUE, digits = I(15), pretty = 1), "\n")
