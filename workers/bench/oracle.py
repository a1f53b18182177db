"""The independent oracle: candles of a file of trades, by polars. Prices in hundredths, quantities in 10^-8: whole numbers."""

import polars as pl


def candles(path: str, seconds: int) -> pl.DataFrame:
    return (
        pl.read_csv(path)
        .unique(["pair", "trade_id"])
        .sort("ts_us", "trade_id")
        .with_columns(start_us=pl.col("ts_us") - pl.col("ts_us") % (seconds * 1_000_000))
        .group_by("pair", "start_us", maintain_order=True)
        .agg(
            open=pl.col("price").first(), high=pl.col("price").max(), low=pl.col("price").min(), close=pl.col("price").last(),
            volume=pl.col("quantity").cast(pl.Int128).sum(),
            quote_volume=(pl.col("price").cast(pl.Int128) * pl.col("quantity").cast(pl.Int128)).sum(),
            trade_count=pl.len(), first_trade_id=pl.col("trade_id").min(), last_trade_id=pl.col("trade_id").max(),
        )
        .with_columns(missing_trades=pl.col("last_trade_id") - pl.col("first_trade_id") + 1 - pl.col("trade_count"))
    )
