# Makes scoring_rules.json: what base R says about predictions. Run once, by hand; the tests read the
# figures and need no R. From the root of the checkout:
#
#   Rscript ioc_analytics_tests/unit/statistics/reference/make_scoring_rules_reference.R \
#     > ioc_analytics_tests/unit/statistics/reference/scoring_rules.json

set.seed(11)
n <- 400
p <- plogis(rnorm(n, 0.5, 1.2))
y <- rbinom(n, 1, plogis(0.3 + 0.7 * qlogis(p)))
slope <- glm(y ~ qlogis(p), family = binomial, control = glm.control(epsilon = 1e-14))
large <- glm(y ~ offset(qlogis(p)), family = binomial, control = glm.control(epsilon = 1e-14))
error <- sqrt(diag(vcov(slope)))[[2]]
actual <- rgamma(60, 2, 0.1)
quantile <- rgamma(60, 2, 0.15)
number <- function(x) paste0("[", paste(formatC(x, digits = 17, format = "g"), collapse = ", "), "]")
one <- function(x) formatC(x, digits = 17, format = "g")
cat(sprintf(
  '{"probabilities": %s,\n"outcomes": %s,\n"slope": %s, "low": %s, "high": %s, "intercept": %s, "brier": %s,\n"actual": %s,\n"quantile": %s,\n"pinball": %s, "absolute": %s}\n',
  number(p), number(y), one(coef(slope)[[2]]),
  one(coef(slope)[[2]] - qnorm(0.975) * error), one(coef(slope)[[2]] + qnorm(0.975) * error),
  one(coef(large)[[1]]), one(mean((p - y)^2)),
  number(actual), number(quantile),
  one(mean((actual - quantile) * (0.9 - (actual < quantile)))), one(mean(abs(actual - quantile)))
))
