// k6 run load/k6.js
