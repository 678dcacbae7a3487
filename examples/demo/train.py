"""Trains the demo's model and writes models/wear/1/model.onnx. Run it with the tests' Python.

The readings are made by the same formulas as in sensors.sql; the model learns to tell the wear
of a machine, 0 to 1, from its normalised readings and its working condition.
"""

import pathlib

import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingRegressor

FILE = pathlib.Path(__file__).parent / "models" / "wear" / "1" / "model.onnx"


def readings(rows, rng):
    """The features of sensors.sql's view `features`, and the wear behind them."""
    wear, load = rng.uniform(0, 1, rows), rng.uniform(0, 1, rows)
    noise = rng.uniform(-1, 1, (3, rows))
    temperature = 45 + 20 * load + 25 * wear + 2 * noise[0]
    vibration = 1.5 + load + 5 * wear * wear + 0.3 * noise[1]
    amps = 20 + 60 * load + 8 * wear + 2 * noise[2]
    condition = np.where(load < 0.3, 0, np.where(load < 0.7, 1, 2))
    columns = [(temperature - 45) / 20, (vibration - 1.5) / 2.5, (amps - 20) / 60, condition]
    return np.stack(columns, axis=1).astype(np.float32), wear


def main():
    rng = np.random.default_rng(11)
    features, wear = readings(6000, rng)
    model = GradientBoostingRegressor(n_estimators=20, max_depth=3, learning_rate=0.25, random_state=0).fit(features, wear)
    unseen, truth = readings(2000, rng)
    error = np.abs(model.predict(unseen) - truth).mean()
    exported = convert_sklearn(
        model,
        "wear",
        initial_types=[("features", FloatTensorType([None, features.shape[1]]))],
        final_types=[("wear", FloatTensorType([None, 1]))],
        target_opset=17,
    )
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_bytes(exported.SerializeToString())
    print(f"{FILE.name}: {FILE.stat().st_size} bytes; mean error on unseen readings {error:.3f}")


if __name__ == "__main__":
    main()
